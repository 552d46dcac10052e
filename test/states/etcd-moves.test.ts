import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { etcdGates } from '../../src/cluster/etcd.ts';
import type { EtcdMember, Facts, HostFacts } from '../../src/cluster/facts.ts';
import { backwards } from '../../src/engine/plan/backwards.ts';
import { revealed } from '../../src/core/secret.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { etcd } from '../../src/states/etcd.ts';
import { etcdConfig } from '../../src/states/etcd/config.ts';
import { movesOf } from '../../src/states/etcd/moves.ts';
import { votersThen } from '../../src/states/etcd/order.ts';
import type { GuardContext, StepAround } from '../../src/states/stage.ts';
import { contextOf, factsOf, labCluster } from './cluster.ts';

const ADDRESSES: Record<string, string> = {
  m1: '10.77.0.11',
  m2: '10.77.0.12',
  m3: '10.77.0.13',
  m4: '10.77.0.14',
  m5: '10.77.0.15',
};
const url = (name: string): string => `https://${String(ADDRESSES[name])}:2380`;

interface Situation {
  /** `NAME` is a master with etcd, `NAME:etcd` has etcd alone, `NAME:master` no etcd, `NAME:worker` is a worker, `NAME:absent`, `NAME:gone` one that leaves. */
  wanted: string[];
  /** `NAME` is a voter, `NAME:learner` one without a vote, `NAME:unstarted` a learner that never started. */
  members: string[];
  /** Members that have their data and do not run. */
  stopped?: string[];
  /** Members without data. */
  blank?: string[];
  /** Where etcd has those that move. */
  listedAt?: Record<string, string>;
  /** Of which mcpk laid a unit of etcd, though they are no members. */
  laid?: string[];
  phase?: Facts['etcd'];
}

function memberOf(text: string, { listedAt = {} }: Situation): EtcdMember {
  const [name = '', state] = text.split(':');
  const url = (of: string): string => `https://${String(listedAt[of] ?? ADDRESSES[of])}:2380`;
  if (state === 'unstarted') return { name: '', peerUrls: [url(name)], isLearner: true, unstarted: true };
  return { name, peerUrls: [url(name)], ...(state === 'learner' ? { isLearner: true } : {}) };
}

async function situation(given: Situation): Promise<{ cluster: Cluster; facts: Facts }> {
  const { wanted, members, stopped = [], blank = [], laid = [], phase = 'formed' } = given;
  const hosts = wanted.map((text) => {
    const [name = '', state = 'present'] = text.split(':');
    const roles = { worker: 'worker', etcd: 'etcd', master: 'master' }[state] ?? 'master, etcd';
    const leaves = ['worker', 'etcd', 'master'].includes(state) ? 'present' : state;
    return `{ name: ${name}, address: ${String(ADDRESSES[name])}, roles: [${roles}], state: ${leaves} }`;
  });
  const loaded = await labCluster(`hosts: [${hosts.join(', ')}]`);
  const named = wanted.map((text) => text.split(':')[0]);
  // Of the lab's masters those that the case does not name are not there.
  const cluster = { ...loaded, hosts: loaded.hosts.filter(({ name }) => named.includes(name) || name.startsWith('w')) };
  const lived = members.filter((text) => !text.endsWith(':unstarted')).map((text) => text.split(':')[0]);
  const own = (name: string): Partial<HostFacts> => {
    const etcdData = lived.includes(name) && !blank.includes(name);
    const ours = etcdData || laid.includes(name);
    return {
      etcdData,
      ports: etcdData && !stopped.includes(name) ? [2379, 2380] : [],
      owned: ours
        ? ['etcd', 'kube-apiserver'].map((unit) => ({ ref: `unit:${unit}.service`, hash: '', stage: '' }))
        : [],
    };
  };
  const reached = [...cluster.hosts, ...cluster.leaving.filter(({ state }) => state === 'absent')];
  const bare = factsOf({ ...cluster, hosts: reached });
  const facts: Facts = {
    ...bare,
    etcd: phase,
    members: members.map((text) => memberOf(text, given)),
    hosts: new Map([...bare.hosts].map(([name, host]) => [name, { ...host, ...own(name) }])),
  };
  return { cluster, facts };
}

/** All that happens around the batches of a plan in which each member's file changes, and nothing restarts. */
async function planned(given: Situation): Promise<string[]> {
  const { cluster, facts } = await situation(given);
  const wanted = etcd.hosts(cluster).map(({ name }) => name);
  const leaving = [...facts.hosts].flatMap(([name, { owned }]) => (owned.length > 0 ? [name] : []));
  const changed = [...new Set([...wanted, ...leaving])];
  const batches = etcd.rollout?.(cluster, facts, changed) ?? [];
  const restarting = new Map(changed.map((name) => [name, []]));
  return batches.flatMap((batch) => {
    const { before = [], after = [], held = [] } = etcd.around?.({ cluster, facts, batch, restarting }) ?? {};
    const told = (steps: readonly StepAround[]): string[] => steps.map(({ on, title }) => `  ${on}: ${title}`);
    return [...told(before), `${batch.join(' ')}`, ...told([...after, ...held])];
  });
}

const join = (name: string, on = 'm1'): string[] => [
  `  ${on}: add ${name} to etcd as a learner`,
  name,
  `  ${on}: give ${name} its vote in etcd`,
  `  ${name}: note on ${name} who its peers are`,
];
const leave = (name: string, on = 'm1'): string[] => [
  `  ${name}: move etcd's leader away from ${name}`,
  `  ${on}: take ${name} out of etcd`,
  `  ${name}: stop etcd on ${name} and remove its data`,
];

describe('members come and go', () => {
  it.each<[string, Situation, string[]]>([
    ['not at all', { wanted: ['m1', 'm2', 'm3'], members: ['m1', 'm2', 'm3'] }, ['m1', 'm2', 'm3']],
    ['one to three', { wanted: ['m1', 'm2', 'm3'], members: ['m1'] }, [...join('m2'), ...join('m3'), 'm1']],
    [
      'three to five',
      { wanted: ['m1', 'm2', 'm3', 'm4', 'm5'], members: ['m1', 'm2', 'm3'] },
      [...join('m4'), ...join('m5'), 'm1', 'm2', 'm3'],
    ],
    [
      'three to one, as two lose the role',
      { wanted: ['m1', 'm2:worker', 'm3:worker'], members: ['m1', 'm2', 'm3'] },
      [...leave('m2'), ...leave('m3'), 'm1', 'm2', 'm3'],
    ],
    [
      'one whose host stays a master: its API server steps aside until it is told of the others',
      { wanted: ['m1', 'm2', 'm3:master'], members: ['m1', 'm2', 'm3'] },
      ['  m3: stop the API server of m3 gracefully', ...leave('m3'), 'm1', 'm3', 'm2'],
    ],
    [
      'two for two others: by turns, so that there are never fewer than two',
      { wanted: ['m1', 'm2:absent', 'm3:absent', 'm4', 'm5'], members: ['m1', 'm2', 'm3'] },
      [...leave('m2'), 'm1', ...join('m4'), ...leave('m3', 'm4'), ...join('m5'), 'm2', 'm3'],
    ],
    [
      'one that is gone: nothing is done on its host',
      { wanted: ['m1', 'm2', 'm3:gone'], members: ['m1', 'm2', 'm3'] },
      ['  m1: take m3 out of etcd', 'm1', 'm2'],
    ],
    [
      'm3 for m4: out, then in',
      { wanted: ['m1', 'm2', 'm3:absent', 'm4'], members: ['m1', 'm2', 'm3'] },
      [...leave('m3'), 'm1', ...join('m4'), 'm3', 'm2'],
    ],
    [
      'm3 for m4 while m2 is down: in, then out, as a quorum needs m3 until then',
      { wanted: ['m1', 'm2', 'm3:absent', 'm4'], members: ['m1', 'm2', 'm3'], stopped: ['m2'] },
      [...join('m4'), ...leave('m3', 'm4'), 'm3', 'm1', 'm2'],
    ],
    [
      'the dead one of two that leave goes first',
      { wanted: ['m1', 'm2', 'm3', 'm4:absent', 'm5:gone'], members: ['m1', 'm2', 'm3', 'm4', 'm5'] },
      ['  m1: take m5 out of etcd', ...leave('m4'), 'm1', 'm4', 'm2', 'm3'],
    ],
    [
      'the only one for another',
      { wanted: ['m1:absent', 'm2'], members: ['m1'] },
      [...join('m2'), ...leave('m1', 'm2'), 'm1'],
    ],
    [
      'one lost its data',
      { wanted: ['m1', 'm2', 'm3'], members: ['m1', 'm2', 'm3'], blank: ['m2'] },
      ['  m1: replace the etcd member m2', ...join('m2').slice(1), 'm1', 'm3'],
    ],
    [
      'one lost its data, two are new: it first',
      { wanted: ['m1', 'm2', 'm3', 'm4'], members: ['m1', 'm2', 'm3'], blank: ['m3'] },
      ['  m1: replace the etcd member m3', ...join('m3').slice(1), ...join('m4'), 'm1', 'm2'],
    ],
    [
      'all are down, one is gone: they are started, then it is taken out',
      { wanted: ['m1', 'm2', 'm3:gone', 'm4'], members: ['m1', 'm2', 'm3'], phase: 'down' },
      ['m1 m2', '  m1: take m3 out of etcd', ...join('m4')],
    ],
  ])('%s', async (_name, given, expected) => {
    expect(await planned(given)).toEqual(expected);
  });

  it('and move: each is announced before it restarts there', async () => {
    const { cluster, facts } = await situation({
      wanted: ['m1', 'm2', 'm3'],
      members: ['m1', 'm2', 'm3'],
      listedAt: { m1: '10.30.0.11', m3: '10.30.0.13' },
    });
    const told = ['m1', 'm2', 'm3'].map((name) => etcd.around?.({ cluster, facts, batch: [name] }).before ?? []);
    expect(told.map((steps) => steps.map(({ title, on }) => `${on}: ${title}`).slice(2))).toEqual([
      ['m2: tell etcd that m1 moves to https://10.77.0.11:2380'],
      [],
      ['m1: tell etcd that m3 moves to https://10.77.0.13:2380'],
    ]);
    const [, , step] = told[0] ?? [];
    // It is taken back when it does not come up there; a run that was cut off finds what etcd lists.
    expect([step?.undo?.slice(4, 6), step?.marked]).toEqual([['m1', 'https://10.30.0.11:2380'], true]);
    // By the loopback of who is asked, wherever he himself is by now.
    expect(step?.run.at(-1)).toBe('--endpoints=https://127.0.0.1:2379,https://10.77.0.13:2379');
  });

  it.each<[string, Situation, string[]]>([
    [
      'after it was added',
      { wanted: ['m1', 'm2', 'm3'], members: ['m1', 'm3:unstarted'] },
      [...join('m3').slice(1), ...join('m2'), 'm1'],
    ],
    [
      'after it was started',
      { wanted: ['m1', 'm2', 'm3'], members: ['m1', 'm3:learner'] },
      ['m3', '  m1: give m3 its vote in etcd', ...join('m2'), 'm1'],
    ],
    [
      'after it was taken out: what is left on its host goes',
      { wanted: ['m1', 'm2', 'm3:worker'], members: ['m1', 'm2'], laid: ['m3'] },
      ['  m3: stop etcd on m3 and remove its data', 'm1', 'm3', 'm2'],
    ],
  ])('a run that was cut off is gone on with: %s', async (_name, given, expected) => {
    expect(await planned(given)).toEqual(expected);
  });

  it('has something to do where nothing changes: who has no vote yet, and who leaves', async () => {
    const owed = async (given: Situation): Promise<readonly string[]> => {
      const { cluster, facts } = await situation(given);
      return etcd.due?.(cluster, facts) ?? [];
    };
    expect(await owed({ wanted: ['m1', 'm2'], members: ['m1', 'm2'] })).toEqual([]);
    expect(await owed({ wanted: ['m1', 'm2'], members: ['m1', 'm2:learner'] })).toEqual(['m2']);
    expect(await owed({ wanted: ['m2', 'm1', 'm3:gone'], members: ['m1', 'm2', 'm3'] })).toEqual(['m1']);
  });
});

it.each<[Situation, string | undefined]>([
  [{ wanted: ['m1', 'm2', 'm3'], members: ['m1'] }, undefined],
  [{ wanted: ['m1', 'm2', 'm3:gone'], members: ['m1', 'm2', 'm3'] }, undefined],
  [{ wanted: ['m1', 'm2', 'm3:absent'], members: ['m1', 'm2', 'm3'] }, 'the data of etcd on m3 is removed'],
])('what is removed does not come back: %j', async (given, why) => {
  const { cluster, facts } = await situation(given);
  expect(etcd.irreversible?.(cluster, facts)).toBe(why);
});

it('a rollback moves nobody, whatever the inventory wants', async () => {
  const { cluster, facts } = await situation({ wanted: ['m1', 'm2', 'm3:gone', 'm4'], members: ['m1', 'm2', 'm3'] });
  const [back] = backwards([etcd], new Set(['etcd']));
  const restarting = new Map([['m1', ['etcd.service']]]);
  const { before = [], after = [], held = [] } = back?.around?.({ cluster, facts, batch: ['m1'], restarting }) ?? {};
  expect([...before, ...after, ...held].map(({ title }) => title)).toEqual([
    "move etcd's leader away from m1",
    'stop the API server of m1 gracefully',
    'start the API server of m1',
  ]);
  expect([
    back && 'due' in back,
    back?.guard?.({ cluster, facts, batch: ['m2'], earlier: [], restarting, ahead: true }),
  ]).toEqual([false, []]);
});

describe('the file of', () => {
  const initial = async (given: Situation, host: string): Promise<unknown> => {
    const { cluster, facts } = await situation(given);
    const text = revealed(etcdConfig(contextOf(cluster, host, facts)));
    return (load(text) as Record<string, unknown>)['initial-cluster'];
  };
  const named = (...names: string[]): string => names.map((name) => `${name}=${url(name)}`).join(',');
  const grows = { wanted: ['m1', 'm2', 'm3'], members: ['m1'] };

  it.each<[string, string, Situation, string]>([
    ['the first that joins names who is there, and itself', 'm2', grows, named('m1', 'm2')],
    ['the second names the first too', 'm3', grows, named('m1', 'm2', 'm3')],
    ['a member names its peers to be', 'm1', grows, named('m2', 'm3')],
    [
      'one that joins for another does not name that one',
      'm4',
      { wanted: ['m1', 'm2', 'm3:gone', 'm4'], members: ['m1', 'm2', 'm3'] },
      named('m1', 'm2', 'm4'),
    ],
    [
      'one that joins before another may leave names that one',
      'm4',
      { wanted: ['m1', 'm2', 'm3:absent', 'm4'], members: ['m1', 'm2', 'm3'], stopped: ['m2'] },
      named('m1', 'm2', 'm4', 'm3'),
    ],
    [
      'one that was added and not started names who is there, and itself',
      'm3',
      { wanted: ['m1', 'm2', 'm3'], members: ['m1', 'm3:unstarted'] },
      named('m1', 'm3'),
    ],
    ['the only one that stays names itself', 'm1', { wanted: ['m1', 'm2:gone'], members: ['m1', 'm2'] }, named('m1')],
    [
      'a member names one that moves where it is then',
      'm1',
      { wanted: ['m1', 'm2', 'm3'], members: ['m1', 'm2', 'm3'], listedAt: { m2: '10.30.0.12' } },
      named('m2', 'm3'),
    ],
  ])('%s', async (_name, host, given, expected) => {
    expect(await initial(given, host)).toBe(expected);
  });
});

describe('a batch', () => {
  async function guards(given: Situation, batch: string[], earlier: string[] = []): Promise<(string | undefined)[]> {
    const { cluster, facts } = await situation(given);
    const context: GuardContext = { cluster, facts, batch, earlier, restarting: new Map(), ahead: true };
    return (etcd.guard?.(context) ?? []).flatMap((guard) => {
      const stopped = given.stopped ?? [];
      const answers = guard.asks.map(({ host }) => ({
        host,
        exitCode: 0,
        stdout: stopped.includes(host) ? '' : 'HTTP/1.0 200 OK\r\n\r\nok',
        stderr: '',
      }));
      return [guard.title, guard.check(answers)];
    });
  }

  const three = ['m1', 'm2', 'm3'];
  it.each<[string, Situation, string[], string[], (string | undefined)[]]>([
    ['in which none comes or goes rests on nothing', { wanted: three, members: three }, ['m1'], [], []],
    [
      'with which one leaves rests on those who stay',
      { wanted: ['m1', 'm2', 'm3:absent'], members: three },
      ['m1'],
      [],
      ['etcd has its quorum once m3 has left', undefined],
    ],
    [
      'with which one leaves is refused while another is down',
      { wanted: ['m1', 'm2', 'm3:absent'], members: three, stopped: ['m2'] },
      ['m1'],
      [],
      [
        'etcd has its quorum once m3 has left',
        'm2 is not healthy (no answer): 1 of 2 members would be up, a quorum is 2',
      ],
    ],
    [
      'with which the dead one leaves is not',
      { wanted: ['m1', 'm2', 'm3:gone'], members: three, stopped: ['m3'] },
      ['m1'],
      [],
      ['etcd has its quorum once m3 has left', undefined],
    ],
    [
      'with which the members of all masters leave is refused, as no API server would be left',
      { wanted: ['m1:master', 'm2:master', 'm4:etcd', 'm5:etcd'], members: ['m1', 'm2'] },
      ['m4'],
      [],
      [
        'another API server is ready beside m1, m2',
        'there is no other master',
        'etcd has its quorum once m1 has left',
        undefined,
        'etcd has its quorum once m2 has left',
        undefined,
      ],
    ],
    [
      'that joins comes after those who join before it',
      { wanted: three, members: ['m1'] },
      ['m3'],
      [],
      ['m2 is seen to before m3', 'this run leaves out m2'],
    ],
    ['that joins in its turn rests on nothing', { wanted: three, members: ['m1'] }, ['m3'], ['m2'], []],
    [
      'that only gets its vote has no turn',
      { wanted: ['m1', 'm2', 'm3:gone', 'm4'], members: [...three, 'm4:learner'] },
      ['m4'],
      [],
      [],
    ],
    [
      'of a host that leaves comes after its member is out',
      { wanted: ['m1', 'm2', 'm3:worker'], members: three },
      ['m3'],
      [],
      ['m1 is seen to before m3', 'this run leaves out m1'],
    ],
  ])('%s', async (_name, given, batch, earlier, expected) => {
    expect(await guards(given, batch, earlier)).toEqual(expected);
  });

  it('that restarts a member leaves a quorum of the real ones', async () => {
    const then = async (given: Situation, batch: string[], earlier: string[]): Promise<string[]> => {
      const { cluster, facts } = await situation(given);
      return votersThen({ cluster, facts, batch, earlier, restarting: new Map(), ahead: true });
    };
    expect(await then({ wanted: three, members: ['m1', 'm2:learner'] }, ['m1'], [])).toEqual(['m1']);
    expect(await then({ wanted: three, members: ['m1'] }, ['m1'], ['m2', 'm3'])).toEqual(three);
    expect(await then({ wanted: ['m1', 'm2', 'm3:gone'], members: three }, ['m2'], ['m1'])).toEqual(['m1', 'm2']);
  });

  it('asks those for a leader who are members, and itself', async () => {
    const { cluster, facts } = await situation({ wanted: ['m1', 'm2', 'm3', 'm4', 'm5'], members: ['m1'] });
    const gates = etcdGates({ cluster, facts, hosts: ['m2'] });
    expect(gates.map((gate) => gate.asks.map(({ host }) => host))).toEqual([['m2'], ['m1', 'm2']]);
  });
});

it('nobody comes or goes before there is a cluster', async () => {
  for (const phase of ['none', 'forming', 'lost'] as const) {
    const { cluster, facts } = await situation({ wanted: ['m1', 'm2', 'm3'], members: ['m1'], phase });
    expect(movesOf(cluster, facts)).toEqual({ first: [], joiners: [], members: [] });
  }
});
