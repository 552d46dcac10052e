import { describe, expect, it } from 'vitest';
import { changesOf, type Plan, type RunResult } from '../../src/engine/types.ts';
import { witnessed } from '../faults/support/witnessed.ts';
import { FULL } from '../support/tier.ts';
import { addLearner, ETCDCTL } from './support/etcdctl.ts';
import { MASTERS, mcpk, mcpkJson, NODES, on, overlay } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready', { leaves: 'ready' });

const APPLY = ['apply', '--yes'];
/** Just these hosts carry etcd; masters stay masters, workers workers. */
function membersAre(names: readonly string[]): Promise<string> {
  const hosts = NODES.map((name) => {
    const role = name.startsWith('m') ? 'master' : 'worker';
    return `{ name: ${name}, roles: [${[role, ...(names.includes(name) ? ['etcd'] : [])].join(', ')}] }`;
  });
  return overlay(`hosts: [${hosts.join(', ')}]\n`);
}

/** Names of the members, each with what it still lacks. */
async function listed(via = 'm1'): Promise<string[]> {
  const lines = (await on(via, ...ETCDCTL, 'member', 'list')).trim().split('\n');
  return lines
    .map((line) => line.split(', '))
    .map(
      ([, state = '', name = '', , , learner]) =>
        `${name}${state === 'started' ? '' : '?'}${learner === 'true' ? '*' : ''}`,
    )
    .toSorted();
}

function startsOf(names: readonly string[]): Promise<string[]> {
  return Promise.all(names.map((name) => on(name, 'systemctl', 'show', '-p', 'InvocationID', 'etcd.service')));
}

/** The inventory changes, one apply does it, and no member that stays starts again. */
async function become(names: readonly string[], before: readonly string[]): Promise<void> {
  const file = await membersAre(names);
  const stay = names.filter((name) => before.includes(name));
  const starts = await startsOf(stay);
  await mcpkJson<RunResult>(APPLY, 0, [file]);
  expect(await listed()).toEqual(names);
  expect(await startsOf(stay)).toEqual(starts);
  const gone = before.filter((name) => !names.includes(name));
  for (const name of gone) await on(name, 'test', '!', '-e', '/var/lib/etcd/member');
  const again = await mcpkJson<Plan>(['plan'], 0, [file]);
  expect(again.stages.flatMap(({ hosts }) => hosts.flatMap(changesOf))).toEqual([]);
}

describe('members of etcd', () => {
  const rounds: (readonly string[])[] = FULL
    ? [['m1'], MASTERS, NODES, MASTERS, ['m1'], MASTERS]
    : [[...MASTERS, 'w1'], MASTERS];

  it('come and go in one apply each: no write that was acknowledged is lost, and the API goes on', async () => {
    const seen = await witnessed('w2', async () => {
      let before: readonly string[] = MASTERS;
      for (const names of rounds) {
        await become(names, before);
        before = names;
      }
    });
    expect(seen.acknowledged).toBeGreaterThan(0);
    expect(seen.lost).toEqual([]);
    expect(seen.writeGapMs).toBeLessThan(3000);
    expect(seen.apiGapMs).toBeLessThan(3000);
  });

  it('that one who stays is down: who is alive is not taken out (18)', async () => {
    await on('m2', 'systemctl', 'stop', 'etcd.service');
    try {
      // Nobody starts it: only the stage of etcd could, and m2 is left out.
      const file = await membersAre(['m1', 'm2']);
      const { code, stdout, stderr } = await mcpk([...APPLY, '--limit', 'm1'], [file]);
      expect([code, stdout + stderr]).toEqual([18, expect.stringContaining('etcd has its quorum once m3 has left')]);
      expect(await listed()).toEqual(MASTERS);
    } finally {
      await on('m2', 'systemctl', 'start', 'etcd.service');
    }
  });

  it('that was added by a run that was cut off is gone on with', async () => {
    await addLearner('w1', 'https://10.77.0.21:2380');
    expect(await listed()).toEqual(['?*', ...MASTERS]);
    await become([...MASTERS, 'w1'], MASTERS);
    await become(MASTERS, [...MASTERS, 'w1']);
  });
});
