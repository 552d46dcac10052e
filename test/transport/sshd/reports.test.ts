import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../../scripts/process.ts';
import { checkJson } from '../../support/json-schema.ts';
import { impossible } from './real-sshd.ts';
import { smallCluster } from './small-cluster.ts';

const { m1, inventory } = await smallCluster();

/** In a process of its own, without a terminal. */
async function run(words: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['test/transport/sshd/greeting-mcpk.ts', ...words], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (part: string) => (said[stream] += part));
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...said };
}

/** `junit`: its cases, as `SUITE CASE: what became of it`. */
async function mcpk(name: string, words: readonly string[], env: Record<string, string> = {}) {
  const file = join(m1.folder, 'mcpk.xml');
  const said = await run([name, '-i', inventory, '--junit', file, ...words], env);
  const xml = await readFile(file, 'utf8');
  const cases =
    /<testcase classname="([^"]*)" name="([^"]*)"[^>]*?(?:\/>|>\s*<(\w+) (?:type="(\w+)" )?message="([^"]*)")/g;
  const junit = [...xml.matchAll(cases)].map(
    ([, suite, title, what = 'passed', type = '', message = '']) =>
      `${String(suite)} ${String(title)}: ${[what, type, message].filter(Boolean).join(' ')}`,
  );
  return { ...said, xml, junit };
}

describe.skipIf(impossible !== undefined)('what CI is told', () => {
  test('of a plan: what is pending, and its Markdown', async () => {
    const markdown = join(m1.folder, 'plan.md');
    const { code, junit } = await mcpk('plan', ['--markdown', markdown]);
    expect([code, junit]).toEqual([
      2,
      [
        'plan m1: passed',
        'plan w1: passed',
        'greeting m1: skipped 2 changes pending',
        'greeting w1: skipped 2 changes pending',
        'farewell w1: skipped 1 change pending',
      ],
    ]);
    const text = await readFile(markdown, 'utf8');
    expect(text).toMatch(/^## mcpk: plan for `small`\n\n\*\*5 changes on 2 hosts, nothing removed/);
    expect(text).toContain('<details><summary>greeting</summary>\n\n```diff\n');
  });

  test('of an apply, whose stages fold in the log', async () => {
    const { code, junit, stderr } = await mcpk('apply', ['--yes'], { GITHUB_ACTIONS: 'true' });
    expect([code, junit]).toEqual([
      0,
      [
        'apply m1: passed',
        'apply w1: passed',
        'greeting m1: passed',
        'greeting w1: passed',
        'greeting m1 greets: passed',
        'greeting w1 greets: passed',
        'farewell w1: passed',
      ],
    ]);
    expect(stderr).toMatch(
      /^::group::✔ greeting +2\/2 +\S+ s +4 changed\n( {2}greeting.*\n)+::endgroup::\n::group::✔ farewell/m,
    );
  });

  test('of a verification: each gate', async () => {
    const { code, junit } = await mcpk('verify', []);
    expect([code, junit]).toEqual([
      0,
      ['verify m1: passed', 'verify w1: passed', 'greeting m1 greets: passed', 'greeting w1 greets: passed'],
    ]);
  });

  test('of an apply that fails: the gate, its last answer, and what was not begun', async () => {
    const { code, junit, xml, stderr } = await mcpk('apply', ['--yes', '--log-format', 'github'], { GREETING: 'bye' });
    expect([code, junit]).toEqual([
      19,
      [
        'apply m1: passed',
        'apply w1: passed',
        'greeting m1: passed',
        'greeting w1: skipped 1 change pending',
        'greeting m1 greets: failure rolledBack greeting: m1 greets: not so after 1 s; m1 went back to what was there before',
        'farewell w1: skipped an earlier stage failed',
      ],
    ]);
    expect(xml).toContain('last answer  is silent\nput back on m1:\n');
    expect(stderr).toMatch(/^::group::annotations\n::error title=mcpk \(exit 19\)::greeting: m1 greets: /m);
  });

  test.each<[string, readonly string[], number]>([
    ['facts', [], 0],
    ['plan', [], 0],
    ['apply', ['--yes'], 0],
    ['verify', [], 0],
    ['history', [], 0],
    ['exec', ['--', 'true'], 0],
    // What the gate asks for is gone with it.
    ['rollback', ['--yes'], 16],
    ['plan', [], 2],
  ])('by %s --json is what its schema says: %j ends with %d', async (name, words, code) => {
    const said = await run([name, '-i', inventory, '--json', ...words]);
    expect([said.code, said.stderr], said.stdout).toEqual([code, '']);
    checkJson(name, JSON.parse(said.stdout));
  });
});
