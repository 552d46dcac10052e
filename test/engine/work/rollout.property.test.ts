import { readerOf } from '../../../src/engine/hosts/reader.ts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { McpkError } from '../../../src/core/errors.ts';
import type { Facts } from '../../../src/cluster/facts.ts';
import { compare, type Comparisons } from '../../../src/engine/plan/compare.ts';
import { compile } from '../../../src/engine/plan/compile.ts';
import { execute } from '../../../src/engine/work/execute.ts';
import { refusals } from '../../../src/engine/work/guard.ts';
import { plan } from '../../../src/engine/plan/plan.ts';
import { HostsAtOnce } from '../../../src/engine/hosts/hosts-at-once.ts';
import type { Program } from '../../../src/engine/plan/program.ts';
import type { Doing } from '../../../src/engine/work/doing.ts';
import { createHands } from '../../../src/engine/work/hands.ts';
import { turns, type Means } from '../../../src/engine/work/means.ts';
import { createState } from '../../../src/engine/work/run-state.ts';
import { withStanding } from '../../../src/engine/read/standing.ts';
import { changesOf, type Event, type Plan, type Selection } from '../../../src/engine/types.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import { sha256 } from '../../../src/resources/identity.ts';
import { ref } from '../../../src/resources/kinds.ts';
import type { FileResource, Observed, UnitResource } from '../../../src/resources/types.ts';
import { unitDigests } from '../../../src/resources/unit-digests.ts';
import { STAGES } from '../../../src/states/index.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { emptyObserved, fileState, unitState } from '../../resources/case.ts';
import { anyArtifact, factsOf, labCluster, registered } from '../../states/cluster.ts';
import { runOf as runOfNone } from '../support/fake-run.ts';
import { SimulatedFleet, type Failure, type World } from '../support/simulated-fleet.ts';

/** The unit of each stage that stands for all that it lays down. */
const UNITS: Readonly<Record<string, string>> = {
  system: 'chrony.service',
  haproxy: 'haproxy.service',
  keepalived: 'keepalived.service',
  etcd: 'etcd.service',
  'api-server': 'kube-apiserver.service',
  controllers: 'kube-scheduler.service',
  runtime: 'containerd.service',
  nodes: 'kubelet.service',
};
/** Their gates are asked for real; what the others ask does not decide who may be taken down. */
const GATED = ['haproxy', 'keepalived', 'etcd', 'api-server'];

function resources(stage: string): [FileResource, UnitResource] {
  const file: FileResource = {
    kind: 'file',
    path: `/etc/${stage}.conf`,
    content: 'wanted',
    mode: '0644',
    owner: 'root',
    group: 'root',
  };
  const name = UNITS[stage] ?? '';
  return [file, { kind: 'unit', name, enabled: true, state: 'running', inputs: [{ ref: ref(file), on: 'restart' }] }];
}

/** What a pure function gave for a name, from then on. */
function once<T>(of: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const value = known.get(name) ?? of(name);
    known.set(name, value);
    return value;
  };
}

/** The stages as they are, but that each lays down one file and one unit. */
const stages = STAGES.filter((stage) => stage.name in UNITS).map((stage): Stage => {
  const simple: Stage = { ...stage, states: () => resources(stage.name).toReversed() };
  if (!GATED.includes(stage.name)) delete simple.gate;
  return simple;
});

const WORKERS = 'w1, w2, w3';
const CLUSTERS = new Map<number, Cluster>();
for (const masters of [1, 3, 5]) {
  const names = Array.from({ length: masters }, (_, index) => `m${String(index + 1)}`);
  const hosts = [
    ...names.map((name, index) => `{ name: ${name}, address: 10.77.0.${String(11 + index)}, roles: [master] }`),
    ...WORKERS.split(', ').map(
      (name, index) => `{ name: ${name}, address: 10.77.0.${String(21 + index)}, roles: [worker] }`,
    ),
  ];
  const lab = await labCluster('rollout: { workers: 2 }');
  const wide = await labCluster(`rollout: { workers: 2 }\nhosts: [${hosts.join(', ')}]`);
  CLUSTERS.set(masters, {
    ...lab,
    hosts: wide.hosts.filter((host) => names.includes(host.name) || host.name.startsWith('w')),
  });
}

function clusterOf(masters: number): Cluster {
  const cluster = CLUSTERS.get(masters);
  if (!cluster) throw new Error('no such cluster');
  return cluster;
}

interface Scene {
  masters: number;
  bare: boolean;
  holder: string;
  leader: string;
  downMembers: readonly string[];
  downApiServers: readonly string[];
  /** `stage host` whose file differs. */
  differing: Set<string>;
  limit: Set<string> | undefined;
  failure: Failure | undefined;
  forced: boolean;
  seed: number;
}

const scene: fc.Arbitrary<Scene> = fc.constantFrom(1, 3, 5).chain((count) => {
  const cluster = clusterOf(count);
  const masters = cluster.hosts.filter((host) => host.roles.includes('master')).map((host) => host.name);
  const places = stages.flatMap((stage) => stage.hosts(cluster).map((host) => `${stage.name} ${host.name}`));
  const important = places.filter((place) => /^(etcd|api-server) /.test(place));
  const spare = Math.floor((count - 1) / 2);
  return fc
    .record({
      bare: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      holder: fc.constantFrom(...masters),
      downMembers: fc.oneof(fc.constant<string[]>([]), fc.subarray(masters, { maxLength: spare })),
      downApiServers: fc.oneof(fc.constant<string[]>([]), fc.subarray(masters, { maxLength: count - 1 })),
      differing: fc.tuple(fc.subarray(places), fc.subarray(important)).map((lists) => new Set(lists.flat())),
      limit: fc.option(
        fc
          .subarray(
            cluster.hosts.map((host) => host.name),
            { minLength: 1 },
          )
          .map((names) => new Set(names)),
        {
          nil: undefined,
        },
      ),
      failure: fc.option(
        fc
          .record({
            stage: fc.constantFrom('etcd', 'api-server', ...stages.map((stage) => stage.name)),
            at: fc.nat(4),
            how: fc.constantFrom('refused', 'broken', 'sick', 'death'),
            host: fc.constantFrom(...masters),
          })
          // A death beside another stage's guard could come between the question and the deed.
          .filter(({ stage, how }) => how !== 'death' || stage === 'etcd' || stage === 'api-server'),
        { nil: undefined },
      ),
      forced: fc.boolean(),
      seed: fc.nat(),
    })
    .chain((given) =>
      fc
        .constantFrom(...masters.filter((host) => !given.downMembers.includes(host)))
        .map((leader) => ({ masters: count, leader, ...given })),
    );
});

/** The change is well, and another member dies by itself before the last gate: going back would cost the quorum. */
const DIES_BESIDE: Scene = {
  masters: 3,
  bare: false,
  holder: 'm1',
  leader: 'm1',
  downMembers: [],
  downApiServers: [],
  differing: new Set(['etcd m1']),
  limit: undefined,
  failure: { stage: 'etcd', at: 0, how: 'death', host: 'm2' },
  forced: false,
  seed: 0,
};

/** Numbers in no order, the same for the same seed. */
function paceOf(seed: number): () => number {
  let state = seed % 2147483647 || 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return 100 + (state % 2900);
  };
}

function worldOf(from: Scene, masters: readonly string[]): World {
  const running = (down: readonly string[]): Set<string> =>
    new Set(from.bare ? [] : masters.filter((host) => !down.includes(host)));
  return {
    masters,
    up: { etcd: running(from.downMembers), 'kube-apiserver': running(from.downApiServers) },
    holder: from.bare ? undefined : from.holder,
    leader: from.bare ? undefined : from.leader,
    serves: !from.bare,
    failure: from.failure,
    forced: from.forced,
    pace: paceOf(from.seed),
  };
}

/** What gather would have told of that world. */
function factsFrom({ masters, bare }: Scene, world: World): Facts {
  const cluster = clusterOf(masters);
  const facts = factsOf(cluster, bare ? {} : { etcd: 'formed', nodes: registered(cluster) });
  for (const [name, own] of bare ? [] : facts.hosts) {
    own.holdsVip = world.holder === name;
    own.etcdData = world.masters.includes(name);
    own.ports = world.up['kube-apiserver'].has(name) ? [cluster.apiServer.port] : [];
    own.owned = stages.flatMap((stage) =>
      stage.hosts(cluster).some((host) => host.name === name)
        ? resources(stage.name).map((resource) => ({ ref: ref(resource), hash: '', stage: stage.name }))
        : [],
    );
  }
  return facts;
}

const sumOf = once(sha256);
const stampOf = once((stage: string) => {
  const [file, unit] = resources(stage);
  return { ...unitDigests(unit, (name) => (name === ref(file) ? sumOf('wanted') : '')), invocationId: 'inv' };
});

/** What the probe would have seen: a file that differs, a unit that is down, all else as wanted. */
function observe({ bare, differing }: Scene, world: World, host: string): Observed {
  if (bare) return emptyObserved();
  const observed = emptyObserved();
  for (const stage of stages) {
    const [file, unit] = resources(stage.name);
    const now = differing.has(`${stage.name} ${host}`) ? 'other' : 'wanted';
    const service = unit.name.replace('.service', '');
    const down =
      world.masters.includes(host) &&
      new Map<string, Set<string>>(Object.entries(world.up)).get(service)?.has(host) === false;
    const stamp = stampOf(stage.name);
    observed.paths[file.path] = fileState({ sha256: sumOf(now) });
    observed.texts[file.path] = now;
    observed.units[unit.name] = unitState({ activeState: down ? 'failed' : 'active', stamp });
  }
  return observed;
}

interface Outcome {
  plan: Plan;
  fleet: SimulatedFleet;
  results: Awaited<ReturnType<typeof execute>>;
  failures: McpkError[];
  late: string[];
}

/** From the facts to the end of the run, as `apply` goes; the time of the simulation costs none. */
async function apply(from: Scene): Promise<Outcome> {
  const { forced } = from;
  const cluster = clusterOf(from.masters);
  const hosts = cluster.hosts.map((host) => host.name);
  const masters = cluster.hosts.filter((host) => host.roles.includes('master')).map((host) => host.name);
  const world = worldOf(from, masters);
  const fleet = new SimulatedFleet(world, hosts);
  const { signal } = new AbortController();
  const bare = factsFrom(from, world);
  const tree = compile({ cluster, facts: bare, stages, artifacts: anyArtifact, manifests: new Map() });
  const observed = new Map(hosts.map((host) => [host, observe(from, world, host)]));
  const now = new Date(0);
  const comparisons = compare({ tree, observed, facts: bare.hosts, apiOwned: new Map(), now });
  const surroundings = { reader: readerOf(fleet, signal), cluster, stages };
  const facts = await withStanding(surroundings, bare, comparisons);
  const selection: Selection = from.limit ? { limit: from.limit } : {};
  const inventory = { files: [], sha256: '' };
  const unguarded = plan({ cluster, facts, stages, tree, comparisons, selection, inventory, tool: 't', now });
  const planned = { ...unguarded, refused: await refusals({ ...surroundings, facts }, unguarded) };
  const outcome: Outcome = { plan: planned, fleet, results: [], failures: [], late: [] };
  if (planned.refused.length > 0 && !forced) return outcome;
  const { program, hands, state } = runOf(
    { cluster, facts, fleet, comparisons, observed, planned, forced, signal },
    outcome,
  );
  outcome.results = await execute(program, hands, state);
  outcome.failures.push(...state.failures);
  return outcome;
}

interface RunParts {
  cluster: Cluster;
  facts: Facts;
  fleet: SimulatedFleet;
  comparisons: Comparisons;
  observed: Map<string, Observed>;
  planned: Plan;
  forced: boolean;
  signal: AbortSignal;
}

function runOf(parts: RunParts, outcome: Outcome): Doing {
  const isOverruled = (title: string): boolean => parts.forced && /keeps its quorum|another API server/.test(title);
  let failed = false;
  const see = (event: Event): void => {
    const isFailure =
      (event.type === 'gate' && event.status === 'failed' && !isOverruled(event.title)) ||
      (event.type === 'host-end' && event.status === 'failed') ||
      (event.type === 'step' && event.status === 'failed');
    // What happens at the very same moment may be already on its way.
    if (isFailure) setTimeout(() => (failed = true), 0);
    if (event.type === 'host-start' && failed) outcome.late.push(`${event.stage} ${event.host}`);
  };
  const { planned, forced, signal, ...rest } = parts;
  const state = createState({ id: 'r', signal, emit: see, since: () => performance.now() });
  const reader = readerOf(parts.fleet, signal);
  const means: Means = { ...runOfNone({}).means, ...rest, reader, state, turn: turns() };
  const program: Program = {
    cluster: parts.cluster,
    plan: planned,
    stages: stages.map((stage) => {
      const found = planned.stages.find((each) => each.name === stage.name);
      if (!found) throw new Error('no plan');
      return { stage, plan: found, inScope: true, isHeld: true };
    }),
    restores: false,
    forceUnsafe: forced,
    noRollback: false,
    maxFailures: 0,
    pause: 0,
  };
  const undefer = (): Promise<never> => Promise.reject(new Error('nothing is deferred'));
  return { program, state, hands: createHands(means, { changing: new HostsAtOnce(100), undefer }) };
}

/** `stage host ref` of all that the plan changes. */
function changes({ stages: planned }: Plan): string[] {
  return planned.flatMap((stage) =>
    stage.hosts.flatMap((host) => changesOf(host).map((item) => `${stage.name} ${host.host} ${item.ref}`)),
  );
}

/** All stages that must be done before; asked for at every stream. */
const before = once((name: string): Set<string> => {
  const needs = stages.find((stage) => stage.name === name)?.needs ?? [];
  return new Set(needs.flatMap((need) => [need, ...before(need)]));
});

/** Members that are down and stay so leave none to spare, and one that is up goes down for a moment. */
function losesQuorum({ plan: { actions } }: Outcome, { masters, downMembers }: Scene): boolean {
  const touched = actions.flatMap(({ unit, host }) => (unit === 'etcd.service' ? [host] : []));
  const away = downMembers.filter((host) => !touched.includes(host)).length;
  const takes = touched.some((host) => !downMembers.includes(host));
  return masters >= 3 && takes && (masters - away - 1) * 2 <= masters;
}

/** Each change once, all of them when nothing failed, and each after all that it needs. */
function checkDone({ plan: planned, fleet, failures }: Outcome): void {
  const all = changes(planned);
  const ran = [...fleet.done.keys()].toSorted();
  expect([...fleet.done.values()].filter((times) => times !== 1)).toEqual([]);
  if (failures.length === 0 && ran.length > 0) expect(ran).toEqual(all.toSorted());
  const earlier = new Set<string>();
  for (const { stage, host, refs } of fleet.streams) {
    const needed = all.filter((change) => before(stage).has(change.split(' ')[0] ?? ''));
    expect(needed.filter((change) => !earlier.has(change))).toEqual([]);
    // The file is the unit's input, although the stage names it last.
    expect(refs).toEqual(refs.toSorted());
    for (const name of refs) earlier.add(`${stage} ${host} ${name}`);
  }
}

/** On a busy machine: alone they take some seconds. */
const TIMEOUT = 60_000;

describe('a rollout, whatever the cluster, the differences and the failures', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    vi.setTimerTickMode('nextTimerAsync');
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it(
    'never has two members or API servers down by our hand, does each change once and in order, and stops at the first failure',
    () =>
      fc.assert(
        fc.asyncProperty(scene, async (given) => {
          const outcome = await apply(given);
          expect(outcome.fleet.violations).toEqual([]);
          expect(outcome.late).toEqual([]);
          checkDone(outcome);
        }),
        { numRuns: 150, examples: [[DIES_BESIDE]] },
      ),
    TIMEOUT,
  );

  it(
    'is refused exactly when the members that are down leave none to spare, and succeeds otherwise',
    () =>
      fc.assert(
        fc.asyncProperty(scene, async (drawn) => {
          const given = {
            ...drawn,
            failure: undefined,
            forced: false,
            downApiServers: [],
            limit: drawn.bare ? undefined : drawn.limit,
          };
          const outcome = await apply(given);
          const { refused } = outcome.plan;
          expect(refused.some((each) => each.title.startsWith('etcd'))).toBe(
            !given.bare && losesQuorum(outcome, given),
          );
          if (refused.length === 0) expect(outcome.failures).toEqual([]);
        }),
        { numRuns: 80 },
      ),
    TIMEOUT,
  );

  it(
    'goes on where it was refused when forced',
    () =>
      fc.assert(
        fc.asyncProperty(scene, async (drawn) => {
          const given = { ...drawn, failure: undefined, forced: true };
          const { plan: planned, fleet, failures } = await apply(given);
          if (failures.every((error) => error.code === 'refused')) expect(failures).toEqual([]);
          if (planned.refused.length > 0) expect(fleet.done.size).toBeGreaterThan(0);
        }),
        { numRuns: 50 },
      ),
    TIMEOUT,
  );
});
