import { describe, expect, it } from 'vitest';
import type { Facts, Moves } from '../../src/cluster/facts.ts';
import { askMoves, movesOf } from '../../src/cluster/moves.ts';
import { factsOf, hostFacts, labCluster } from '../states/cluster.ts';

const cluster = await labCluster();
/** The last run ended an hour ago. */
const RUN = Date.UTC(2026, 10, 22, 14);
const NOW = RUN + 3_600_000;

/** Lines of a journal, so many seconds after the run. */
const line = (after: number, from: string, text: string): string =>
  `${(RUN / 1000 + after).toFixed(6)} host ${from}[812]: ${text}`;
const takes = (after: number): string => line(after, 'Keepalived_vrrp', '(kube_api) Entering MASTER STATE');
const yields = (after: number, to: string, how = 'higher priority 101, ours 100'): string =>
  line(after, 'Keepalived_vrrp', `(kube_api) Master received advert from ${to} with ${how}`);
const leads = (after: number, term = 3): string =>
  line(after, 'etcd', `{"level":"info","msg":"8e9e05c52164694d became leader at term ${String(term)}"}`);

type Said = Record<string, string[]>;

function moved(said: Said, { facts = factsOf(cluster), run = String(RUN) } = {}): Moves | undefined {
  const answers = Object.entries(said).map(([host, lines]) => ({
    host,
    exitCode: 0,
    stdout: [run, ...lines, ''].join('\n'),
    stderr: '',
  }));
  return movesOf(cluster, facts, answers, NOW);
}

/** `60 m1 → m2`: the seconds after the run, from whom, to whom. */
function brief(moves: Moves['vip']): string[] | undefined {
  return moves?.map(({ at, from = '?', to }) => `${String((Date.parse(at) - RUN) / 1000)} ${from} → ${to}`);
}

describe('the VIP', () => {
  it.each<[string, Said, string[]]>([
    ['stayed', { m1: [takes(-60)], m2: [], m3: [] }, []],
    ['moved once, from its holder before the run', { m1: [takes(-60)], m2: [takes(60)] }, ['60 m1 → m2']],
    ['moved once, and who had it nobody knows any more', { m1: [], m2: [takes(60)] }, ['60 ? → m2']],
    ['moved there and back', { m1: [takes(120), takes(-60)], m2: [takes(60)] }, ['60 m1 → m2', '120 m2 → m1']],
    ['moved, as its holder was held up, and went back', { m1: [takes(-60)], m2: [yields(61, '10.77.0.11'), takes(60)] }, ['60 m1 → m2', '61 m2 → m1']], // prettier-ignore
    ['went back to one of the same priority', { m1: [takes(-60)], m2: [yields(61, '10.77.0.11', 'same priority 100 but higher IP address than ours'), takes(60)] }, ['60 m1 → m2', '61 m2 → m1']], // prettier-ignore
    ['is told of by both at once, which is one move', { m1: [yields(60, '10.77.0.12'), takes(-60)], m2: [takes(60.2)] }, ['60 m1 → m2']], // prettier-ignore
    ['came back to who had it, as Keepalived started anew', { m1: [takes(60), takes(-60)], m2: [] }, []],
    ['moved during the run alone', { m1: [takes(-60)], m2: [takes(-1)] }, []],
    ['was given to an address of no host', { m1: [yields(60, '10.99.0.1'), takes(-60)] }, []],
    ['will have moved, says a host', { m1: [takes(-60)], m2: [takes(7200)] }, []],
  ])('%s', (_what, said, moves) => {
    expect(brief(moved(said)?.vip)).toEqual(moves);
  });
});

it.each<[string, Said, string[]]>([
  ['was elected once more: the same one', { m1: [leads(120, 5), leads(60)], m2: [] }, ['60 ? → m1']],
  ['is another one with another term', { m1: [leads(60)], m2: [leads(120, 4)] }, ['60 ? → m1', '120 m1 → m2']],
])("etcd's leader %s", (_what, said, moves) => {
  expect(brief(moved(said)?.etcdLeader)).toEqual(moves);
});

it('counts by the last run on any host, and by one clock', () => {
  const skewed = (ms: number): Facts => {
    const { hosts } = factsOf(cluster);
    return factsOf(cluster, { hosts: new Map([...hosts, ['m2', hostFacts('10.77.0.12', { clockSkewMs: ms })]]) });
  };
  const said = { m1: [takes(-60)], m2: [takes(90)] };
  expect(brief(moved(said, { facts: skewed(30_000) })?.vip)).toEqual(['60 m1 → m2']);
  // By its own clock it ended the run so much later.
  expect(moved(said, { facts: skewed(-120_000) })).toMatchObject({ since: new Date(RUN + 120_000).toISOString() });
  expect(brief(moved(said, { facts: skewed(-120_000) })?.vip)).toEqual(['210 m1 → m2']);
});

it.each<[string, Said, true | undefined]>([
  ['all of it', { m1: [takes(60)] }, undefined],
  ['no more in time', { m1: [takes(60), 'more', takes(-60)] }, true],
  ['only the last ones', { m1: Array.from({ length: 200 }, (_, index) => leads(300 - index, 300 - index)) }, true],
])('a host told %s', (_what, said, incomplete) => {
  expect(moved(said)?.incomplete).toBe(incomplete);
});

describe('what is not known', () => {
  const nothing = { since: new Date(RUN).toISOString(), vip: [], etcdLeader: [] };
  it.each<[string, string]>([
    ['nothing', ''],
    ['another word', 'sh: 1: grep: not found'],
    ['no time', '179534724512'],
    ['a run that is still to come', String(NOW + 60_000)],
  ])('is no move: a host that says %s', (_what, run) => {
    expect(moved({ m1: [takes(60)] }, { run })).toBeUndefined();
  });
  it.each<[string, string]>([
    ['of another time', takes(60).replace(/^\d+\.\d+/, 'yesterday')],
    ['without a time', '(kube_api) Entering MASTER STATE'],
    ['with more behind it', `${takes(60)} (init)`],
    ['of what only quotes it', line(60, 'Keepalived_vrrp', 'said (kube_api) Entering MASTER STATE')],
    ['of an election without a winner', line(60, 'etcd', '{"msg":"became leader at term 3"}')],
    ['without end', `${line(60, 'etcd', '')}${'a'.repeat(1_000_000)}`],
  ])('is no move: a line %s', (_what, text) => {
    expect(moved({ m1: [text] })).toEqual(nothing);
  });
});

describe('is asked', () => {
  const unitsOf = async (over: string): Promise<Record<string, string[]>> => {
    const asks = askMoves(await labCluster(over));
    return Object.fromEntries(asks.map(({ host, argv }) => [host, argv.filter((word) => word.startsWith('--unit='))]));
  };
  const [vip, etcd] = ['--unit=keepalived.service', '--unit=etcd.service'];
  it.each<[string, string, Record<string, string[]>]>([
    ['each master, of both', '', { m1: [vip, etcd], m2: [vip, etcd], m3: [vip, etcd] }],
    ['of etcd alone where there is no VIP', 'endpoint: { address: 10.77.0.99, external: true }', { m1: [etcd], m2: [etcd], m3: [etcd] }], // prettier-ignore
    ['nobody where there is one alone', 'hosts: [{ name: m2, state: absent }, { name: m3, state: absent }]', {}],
  ])('%s', async (_what, over, units) => {
    expect(await unitsOf(over)).toEqual(units);
  });
});
