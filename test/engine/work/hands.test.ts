import { expect, it } from 'vitest';
import { HostsAtOnce } from '../../../src/engine/hosts/hosts-at-once.ts';
import { createHands } from '../../../src/engine/work/hands.ts';
import type { Means } from '../../../src/engine/work/means.ts';
import { labCluster } from '../../states/cluster.ts';
import { runOf } from '../support/fake-run.ts';

/** Runs `work`, then the end of the run; gives back what was noted, and where the mark stays for what is owed. */
async function closed(work: (hands: ReturnType<typeof createHands>) => void, mended: string[]) {
  const told: string[] = [];
  const { means: base } = runOf({});
  const means: Means = {
    ...base,
    cluster: await labCluster(),
    facts: {
      ...base.facts,
      owed: [
        { stage: 'haproxy', host: 'm1', run: ['a'] },
        { stage: 'etcd', host: 'm1', run: ['b'] },
        { stage: 'etcd', host: 'm2', run: ['b'] },
      ],
    },
    journal: {
      ...base.journal,
      note: (host, ...words) => void told.push([host, ...words].join(' ')),
      close: (_failures, _also, owing) => Promise.resolve(void told.push(`owing ${[...owing].join(' ')}`)),
    },
  };
  const hands = createHands(means, { changing: new HostsAtOnce(1), undefer: () => Promise.reject(new Error('no')) });
  work(hands);
  await hands.close([], mended);
  return told;
}

it.each<[string, Parameters<typeof closed>, string[]]>([
  ['stays owed where the run did not see to it', [() => undefined, []], ['owing m1 m2']],
  [
    'is settled where a stage saw to it; another stage owes on',
    [(hands) => hands.settle('etcd', ['m1', 'm2', 'm3']), []],
    ['m1 settled etcd', 'm2 settled etcd', 'owing m1'],
  ],
  [
    'is settled where all stages came to their end',
    [() => undefined, ['m1']],
    ['m1 settled haproxy', 'm1 settled etcd', 'owing m2'],
  ],
])('what an earlier run owes %s', async (_name, given, told) => {
  expect(await closed(...given)).toEqual(told);
});
