import { describe, expect, it } from 'vitest';
import { askOver } from '../../src/commands/shared/confirm.ts';
import { RunningCommand } from '../../src/commands/shared/running-command.ts';
import Apply from '../../src/commands/apply.ts';
import type { Plan } from '../../src/engine/types.ts';
import type { View } from '../../src/report/view.ts';
import { CHANGED_FLAG } from '../fixtures/plan.ts';
import { inventory, loadedConfig, mcpk } from './support.ts';
import { typing } from './typing.ts';

const input = typing();

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
    input.typed(text, true, true);
    expect(await asked(true)).toEqual({ agreed, done: ['pause', 'shown', 'resume'] });
    expect(input.stderr).toHaveBeenCalledWith(expect.stringContaining('Apply this? [y/N] '));
  });

  it('is shown and agreed to where nobody is asked', async () => {
    input.typed('n\n', true, true);
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
  input.typed('n\n', true, true);
  const done: string[] = [];
  expect(await new Asked([], await loadedConfig()).about({ ...CHANGED_FLAG, etcd }, done)).toBe(false);
  expect(done).toEqual(['pause', 'resume']);
  expect(input.stderr).toHaveBeenCalledWith(expect.stringContaining('6 changes on 3 hosts'));
  expect(input.stderr).toHaveBeenCalledWith(expect.stringContaining(question));
});

class Running extends RunningCommand<typeof Running> {
  static override readonly flags = RunningCommand.runningFlags;

  async run(): Promise<boolean> {
    const cluster = await this.loadCluster();
    let agreed = false;
    const run = async (input: { confirm(plan: Plan, lead: string): Promise<boolean> }): Promise<undefined> => {
      agreed = await input.confirm(CHANGED_FLAG, 'First of all.');
    };
    await this.carryOut(cluster, { run, artifacts: false, question: 'Do it?' });
    return agreed;
  }

  async answered(): Promise<boolean> {
    await this.init();
    return this.run().finally(() => this.finally(undefined));
  }
}

it.each([
  ['y\n', [], true],
  ['n\n', [], false],
  ['n\n', ['--yes'], true],
])('what is done shows what leads to it and its plan, and asks unless told: %j %j', async (text, flags, agreed) => {
  input.typed(text, true, true);
  const command = new Running(['-i', await inventory(), ...flags], await loadedConfig());
  expect(await command.answered()).toBe(agreed);
  expect(input.stderr).toHaveBeenCalledWith(expect.stringMatching(/^First of all\.\n\n[^]*6 changes on 3 hosts/));
  const questions = input.stderr.mock.calls.filter(([said]) => String(said).includes('Do it? [y/N] '));
  expect(questions.length > 0).toBe(flags.length === 0);
});

describe.each([[['apply']], [['rollback']], [['etcd', 'defrag']], [['node', 'drain', 'w1']]])('%j', (command) => {
  const run = async (...flags: string[]): Promise<{ code: number; text: string }> => {
    const { code, stdout, stderr } = await mcpk([...command, '-i', await inventory(), '--timeout', '1', ...flags]);
    return { code, text: stdout + stderr };
  };

  it.each([
    ['--json', true, ['--json']],
    ['stderr is a file', false, []],
  ])('is not begun from a terminal on which its question would not be seen: %s', async (_, stderr, flags) => {
    input.typed('', true, stderr);
    const { code, text } = await run(...flags);
    expect([code, text]).toEqual([64, expect.stringContaining('before a change somebody is asked')]);
    expect(text).toContain('--yes');
  });

  it.each([
    ['with --yes', true, true, ['--yes', '--json']],
    ['without a terminal', false, false, []],
  ])('goes to the hosts %s', async (_, stdin, stderr, flags) => {
    input.typed('', stdin, stderr);
    expect((await run(...flags)).text).not.toContain('is asked');
  });
});

describe.each([[['reset']], [['etcd', 'restore', '--abandon']], [['etcd', 'recover', '--from', 'm1']]])(
  '%j',
  (command) => {
    const run = async (...flags: string[]): Promise<[number, string]> => {
      const { code, stdout, stderr } = await mcpk([...command, '-i', await inventory(), '--timeout', '1', ...flags]);
      return [code, stdout + stderr];
    };

    it.each([
      ['there is no terminal', false, []],
      ['nothing but JSON is to be seen', true, ['--json', '--cluster', 'small']],
      ['--yes comes without it', true, ['--yes']],
    ])('wants the name of the cluster where %s', async (_, terminal, flags) => {
      input.typed('', terminal, terminal);
      expect(await run(...flags)).toEqual([64, expect.stringContaining('--yes --cluster NAME')]);
    });

    it('of another cluster than the one that is meant is refused', async () => {
      input.typed('', false, false);
      expect(await run('--yes', '--cluster', 'large')).toEqual([
        18,
        expect.stringContaining('of the cluster small, not of'),
      ]);
    });
  },
);
