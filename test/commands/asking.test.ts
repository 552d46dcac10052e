import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { askOver } from '../../src/commands/shared/confirm.ts';
import Apply from '../../src/commands/apply.ts';
import type { Plan } from '../../src/engine/types.ts';
import type { View } from '../../src/report/view.ts';
import { CHANGED_FLAG } from '../fixtures/plan.ts';
import { inventory, loadedConfig, mcpk } from './support.ts';

const real = { stdin: process.stdin, isTTY: process.stderr.isTTY };

/** What is typed, on a terminal or in a pipe; whether stderr is one too. */
function typed(text: string, stdin: boolean, stderr: boolean): void {
  const stream = Object.assign(new PassThrough(), { isTTY: stdin });
  stream.end(text);
  Object.defineProperty(process, 'stdin', { value: stream, configurable: true });
  process.stderr.isTTY = stderr;
}

let stderr: MockInstance<typeof process.stderr.write>;
beforeEach(() => {
  stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  Object.defineProperty(process, 'stdin', { value: real.stdin, configurable: true });
  process.stderr.isTTY = real.isTTY;
});

/** A view that notes when it makes room. */
function noting(done: string[]): View {
  return { pause: () => void done.push('pause'), resume: () => void done.push('resume'), emit() {}, async end() {} };
}

/** What was done, in order, and the answer. */
async function asked(asks: boolean): Promise<{ done: string[]; agreed: boolean }> {
  const done: string[] = [];
  const view = noting(done);
  const { signal } = new AbortController();
  const show = (): void => void done.push('shown');
  return { agreed: await askOver(view, { asks, show, question: 'Apply this?', signal }), done };
}

describe('a question before a change', () => {
  it.each([
    ['y\n', true],
    ['YES\n', true],
    ['\n', false],
    ['n\n', false],
    ['yesterday\n', false],
  ])('answered with %j', async (text, agreed) => {
    typed(text, true, true);
    expect(await asked(true)).toEqual({ agreed, done: ['pause', 'shown', 'resume'] });
    expect(stderr).toHaveBeenCalledWith(expect.stringContaining('Apply this? [y/N] '));
  });

  it('is shown and agreed to where nobody is asked', async () => {
    typed('n\n', true, true);
    expect(await asked(false)).toEqual({ agreed: true, done: ['pause', 'shown', 'resume'] });
  });
});

class Asked extends Apply {
  async about(plan: Plan, done: string[]): Promise<boolean> {
    await this.init();
    return this.confirm(plan, noting(done)).finally(() => this.finally(undefined));
  }
}

it.each([
  ['formed', 'Apply this to the running cluster? [y/N] '],
  ['none', 'Apply this? [y/N] '],
] as const)('apply asks whatever the plan, where etcd is %s', async (etcd, question) => {
  typed('n\n', true, true);
  const done: string[] = [];
  expect(await new Asked([], await loadedConfig()).about({ ...CHANGED_FLAG, etcd }, done)).toBe(false);
  expect(done).toEqual(['pause', 'resume']);
  expect(stderr).toHaveBeenCalledWith(expect.stringContaining('6 changes on 3 hosts'));
  expect(stderr).toHaveBeenCalledWith(expect.stringContaining(question));
});

describe.each(['apply', 'rollback'])('%s', (command) => {
  const run = async (...flags: string[]): Promise<{ code: number; text: string }> => {
    const { code, stdout, stderr } = await mcpk([command, '-i', await inventory(), '--timeout', '1', ...flags]);
    return { code, text: stdout + stderr };
  };

  it.each([
    ['--json', true, ['--json']],
    ['stderr is a file', false, []],
  ])('is not begun from a terminal on which its question would not be seen: %s', async (_, stderr, flags) => {
    typed('', true, stderr);
    const { code, text } = await run(...flags);
    expect([code, text]).toEqual([64, expect.stringContaining('before a change somebody is asked')]);
    expect(text).toContain('--yes');
  });

  it.each([
    ['with --yes', true, true, ['--yes', '--json']],
    ['without a terminal', false, false, []],
  ])('goes to the hosts %s', async (_, stdin, stderr, flags) => {
    typed('', stdin, stderr);
    expect((await run(...flags)).text).not.toContain('is asked');
  });
});
