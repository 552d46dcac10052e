import { hostsNow } from '../../cluster/clock.ts';
import type { Facts } from '../../cluster/facts.ts';
import { PATHS } from '../../core/paths.ts';
import { API } from '../../core/places.ts';
import type { SharedSecretResource } from '../../resources/types.ts';
import type { Sent } from '../../states/wishes/wish.ts';
import { HostsAtOnce } from '../hosts/hosts-at-once.ts';
import type { EngineInput } from '../input.ts';
import type { Generation } from '../past/generations.ts';
import type { CompareInput } from '../plan/compare.ts';
import { planHash } from '../plan/plan-hash.ts';
import type { PlanInput } from '../plan/plan.ts';
import type { Program } from '../plan/program.ts';
import type { Opened } from '../read/open.ts';
import type { Plan, StateTree } from '../types.ts';
import type { Doing } from '../work/doing.ts';
import { createHands } from '../work/hands.ts';
import { createJournal } from '../work/journal.ts';
import { createMaterials } from '../work/materials.ts';
import { turns, type Means } from '../work/means.ts';
import { createState, runId, type RunState } from '../work/run-state.ts';
import { stagesInScope } from './in-scope.ts';
import { undefer } from './undefer.ts';

/** All that a plan was made of. */
export interface Planned {
  input: EngineInput;
  opened: Opened;
  plan: Plan;
  compareInput: CompareInput;
  planInput: PlanInput;
  /** Stages whose gates the probe saw to hold. */
  gateHeld: ReadonlySet<string>;
  /** What `mcpk rollback` puts back: then hosts do nothing else. */
  generations?: readonly Generation[];
  /** What steps send, by its name. */
  sent?: ReadonlyMap<string, Sent>;
  /** Its name, where it is known before. */
  run?: string;
}

/** A plan with all that it takes to carry it out. */
export interface Assembled extends Doing {
  means: Means;
}

export function assemble(from: Planned): Assembled {
  const { state, journal } = begin(from);
  const means = meansOf(from, state, journal);
  const hands = createHands(means, {
    changing: new HostsAtOnce(from.input.concurrency),
    undefer: ({ stage }) => undefer(from, means, stage),
    ...(from.generations ? { generations: from.generations } : {}),
    ...(from.sent ? { sent: from.sent } : {}),
  });
  return { program: programOf(from), hands, state, means };
}

/** The state, and the journal that hears all that is told. */
function begin({ input, opened, plan, run }: Planned): Pick<Means, 'state' | 'journal'> {
  const id = run ?? runId(new Date());
  const journal = createJournal({
    run: id,
    who: input.who,
    command: input.command,
    planHash: planHash(plan),
    fleet: opened.fleet,
    hosts: [...opened.facts.hosts.keys()],
    skew: (host) => opened.facts.hosts.get(host)?.clockSkewMs ?? 0,
    signal: input.signal,
  });
  const state = createState({
    id,
    signal: input.signal,
    since: opened.since,
    hidden: input.cluster.hidden,
    emit(event) {
      journal.hear(event);
      input.emit(event);
    },
  });
  return { state, journal };
}

function meansOf(
  { input, opened, compareInput, planInput: { tree, comparisons } }: Planned,
  state: RunState,
  journal: Means['journal'],
): Means {
  return {
    state,
    journal,
    cluster: input.cluster,
    fleet: opened.fleet,
    reader: opened.reader,
    facts: opened.facts,
    comparisons,
    observed: new Map(compareInput.observed),
    materials: createMaterials({
      fleet: opened.fleet,
      shared: comparisons.shared,
      secrets: sharedSecrets(tree),
      now: () => hostsNow(opened.facts),
      signal: input.signal,
    }),
    laid: new Map(),
    owned: ownedOf(opened.facts, compareInput.apiOwned),
    along: new Map(input.stages.map(({ name, along = [] }) => [name, along])),
    turn: turns(),
  };
}

function ownedOf({ hosts }: Facts, apiOwned: CompareInput['apiOwned']): Means['owned'] {
  const onHosts = [...hosts].map(
    ([host, { owned }]) => [host, new Map(owned.map(({ ref, ...entry }) => [ref, entry]))] as const,
  );
  const inApi = new Map([...apiOwned].map(([name, stage]) => [name, { hash: '', stage }]));
  return new Map([...onHosts, [API, inApi]]);
}

function sharedSecrets(tree: StateTree): Map<string, { host: string; resource: SharedSecretResource }[]> {
  const secrets = new Map<string, { host: string; resource: SharedSecretResource }[]>();
  for (const { host, resources } of tree.stages.flatMap((stage) => stage.hosts)) {
    for (const resource of resources) {
      if (resource.kind !== 'sharedSecret') continue;
      secrets.set(resource.id, [...(secrets.get(resource.id) ?? []), { host, resource }]);
    }
  }
  return secrets;
}

function programOf({ input, opened, plan, gateHeld, generations }: Planned): Program {
  const inScope = stagesInScope({ stages: plan.stages, selection: input.selection });
  const { maxFailures, pause } = input.cluster.rollout;
  return {
    maxFailures,
    // Who goes back wants it over with.
    pause: generations ? 0 : pause,
    cluster: input.cluster,
    plan,
    staged: (host, name) => {
      const arch = opened.facts.hosts.get(host)?.arch ?? '';
      return `${PATHS.store}/${input.artifacts.get(name, arch).sha256}`;
    },
    stages: input.stages.flatMap((stage) => {
      const planned = plan.stages.find(({ name }) => name === stage.name);
      const { name } = stage;
      return planned ? [{ stage, plan: planned, inScope: inScope.has(name), isHeld: gateHeld.has(name) }] : [];
    }),
    restores: generations !== undefined,
    forceUnsafe: input.forceUnsafe ?? false,
    noRollback: input.noRollback ?? false,
  };
}
