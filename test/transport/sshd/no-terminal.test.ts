import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../../scripts/process.ts';
import { COMMANDS } from '../../../src/commands/main.ts';
import { endingsOf } from '../../../src/commands/shared/exit-codes.ts';
import { EXIT_CODES } from '../../../src/core/errors.ts';
import { writeBundle } from '../../support/bundle.ts';
import { impossible } from './real-sshd.ts';
import { smallCluster } from './small-cluster.ts';

const { m1, inventory } = await smallCluster();

/** What each command wants besides its inventory to get as far as it may; whoever is asked on a terminal is not told --yes. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'artifacts:bundle': ['FOLDER/taken-KIND'],
  autocomplete: ['bash'],
  complete: ['host', '--', 'plan'],
  exec: ['--', 'cat'],
  'etcd:recover': ['--from', 'm1'],
  'etcd:rehearse': ['FOLDER/bundle'],
  'etcd:restore': ['FOLDER/bundle'],
  'etcd:snapshot': ['--out', 'FOLDER/snapshots'],
  init: ['FOLDER/KIND.yaml', '--master', '10.9.0.11'],
  // What would be done: on these hosts nothing is to go down.
  ...Object.fromEntries(['drain', 'reboot', 'remove', 'uncordon'].map((verb) => [`node:${verb}`, ['w1', '--plan-only']])), // prettier-ignore
  'node:replace': ['w1'],
  // Its plan would have apt of this machine fetch lists.
  'node:upgrade-packages': ['w9', '--plan-only'],
  plan: ['--ask-become-pass'],
  render: ['FOLDER/KIND'],
};

/** What standard input is; `silent`: a pipe that nobody writes into and nobody closes. */
const KINDS = ['closed', '/dev/null', 'silent'] as const;

const BOUND_MS = 60_000;

async function run(id: string, kind: (typeof KINDS)[number]): Promise<{ code: number | null; said: string }> {
  const words = (WORDS[id] ?? []).map((word) =>
    word.replace('FOLDER', m1.folder).replace('KIND', kind.replace(/\W/g, '')),
  );
  const dashes = words.includes('--') ? words.indexOf('--') : words.length;
  const file = Object.hasOwn(COMMANDS[id]?.flags ?? {}, 'inventory') ? ['-i', inventory] : [];
  const argv = [...id.split(':'), ...words.slice(0, dashes), ...file, ...words.slice(dashes)];
  const redirected = kind === 'closed' ? '<&-' : kind === '/dev/null' ? '</dev/null' : '';
  const node = [process.execPath, 'test/transport/sshd/greeting-mcpk.ts', ...argv];
  const child = spawn('sh', ['-c', `exec "$@" ${redirected}`, 'sh', ...node], {
    cwd: ROOT,
    timeout: BOUND_MS,
    killSignal: 'SIGKILL',
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (said += part));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

describe.skipIf(impossible !== undefined)('without a terminal nothing is asked and nothing is waited for', () => {
  beforeAll(() => writeBundle(join(m1.folder, 'bundle')));

  test.each(Object.keys(COMMANDS))('%s ends with a code that it documents', { timeout: 4 * BOUND_MS }, async (id) => {
    const codes: readonly (number | null)[] = endingsOf(COMMANDS[id] ?? {}).map((ending) => EXIT_CODES[ending][0]);
    const ends = await Promise.all(KINDS.map((kind) => run(id, kind)));
    for (const { code, said } of ends) {
      expect(codes, said).toContain(code);
      expect(code, said).not.toBe(EXIT_CODES.unexpected[0]);
      expect(said).not.toMatch(/\[y\/N\]|Type the cluster's name/);
    }
  });
});

test.skipIf(impossible !== undefined)('who would be asked for something is told how to say it beforehand', async () => {
  const said = await Promise.all(['reset', 'etcd:restore', 'plan'].map((id) => run(id, '/dev/null')));
  expect(said.map(({ code }) => code)).toEqual([64, 64, 64]);
  expect(said.map((each) => / {2}hint {2}(.*)/.exec(each.said)?.[1])).toEqual([
    expect.stringContaining('--yes --cluster NAME'),
    expect.stringContaining('--yes --cluster NAME'),
    expect.stringContaining('becomePassword: ${MCPK_SUDO}'),
  ]);
});
