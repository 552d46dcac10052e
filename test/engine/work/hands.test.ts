import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/core/secret.ts';
import type { Fleet } from '../../../src/engine/hosts/fleet.ts';
import { HostsAtOnce } from '../../../src/engine/hosts/hosts-at-once.ts';
import { createHands } from '../../../src/engine/work/hands.ts';
import type { Sent } from '../../../src/states/wishes/wish.ts';
import type { Means } from '../../../src/engine/work/means.ts';
import { labCluster } from '../../states/cluster.ts';
import { runOf, withFleet } from '../support/fake-run.ts';

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

describe('what a step sends', () => {
  const done: string[] = [];
  const fleet: Partial<Fleet> = {
    upload: (host, { path, sha256 }) => Promise.resolve(void done.push(`${host} has ${path} ${sha256}`)),
    exec: (host, commands) => {
      done.push(...commands.map(({ argv, stdin = 'nothing' }) => `${host}: ${argv.join(' ')} < ${stdin}`));
      return Promise.resolve(commands.map(() => ({ exitCode: 0, stdout: '', stderr: '' })));
    },
  };
  const hands = createHands(withFleet(runOf({}).means, fleet), {
    changing: new HostsAtOnce(1),
    undefer: () => Promise.reject(new Error('no')),
    sent: new Map<string, Sent>([
      ['file', { source: '/x', path: '/var/y', sha256: 'ab', size: 1 }],
      ['key', new Secret('private', 'key')],
    ]),
  });
  const take = async (sends: string): Promise<string[]> => {
    done.length = 0;
    await hands.steps([{ title: 't', on: 'm1', run: ['use', 'it'], sends }], new AbortController().signal);
    return done;
  };

  it('is there when it is taken: a file on the host, a secret on its standard input', async () => {
    expect(await take('file')).toEqual(['m1 has /var/y ab', 'm1: use it < nothing']);
    expect(await take('key')).toEqual(['m1: use it < private']);
  });

  it('is asked for before the step: nothing is done without it', async () => {
    await expect(take('else')).rejects.toMatchObject({ code: 'unexpected' });
    expect(done).toEqual([]);
  });
});
