import { McpkError } from '../../core/errors.ts';
import { atOnce } from '../../core/turns.ts';
import { isKind, kindOf } from '../../resources/kinds.ts';
import { resolveShared } from '../../resources/shared.ts';
import { touchedPaths } from '../../resources/touched.ts';
import {
  ref,
  type CompareContext,
  type Comparison,
  type Observed,
  type Ref,
  type Resource,
  type SharedState,
} from '../../resources/types.ts';
import type { HostFacts, OwnedEntry } from '../../cluster/facts.ts';
import { API } from './compile.ts';
import { LEAVES, partingOf, sameObject, type Leaving } from '../hosts/leaving.ts';
import { removalOf } from './owned.ts';
import type { HostPlan, HostStates, PlanItem, StateTree } from '../types.ts';

export interface Compared {
  resource: Resource;
  comparison: Comparison;
}

/** What the comparison of a whole tree knows, and what a deferred stage adds to later. */
export interface Comparisons {
  /** host → ref → what it is and how it differs. */
  byHost: Map<string, Map<Ref, Compared>>;
  shared: ReadonlyMap<string, SharedState>;
  /** stage → host → items in order, removals first. */
  stages: Map<string, HostPlan[]>;
}

export interface CompareInput {
  tree: StateTree;
  observed: ReadonlyMap<string, Observed>;
  facts: ReadonlyMap<string, HostFacts>;
  /** ref → stage of what mcpk owns in the API. */
  apiOwned: ReadonlyMap<string, string>;
  /** What of it leaves: ref → what the object itself is like. */
  apiLeaving?: ReadonlyMap<string, Leaving>;
  /** Why nothing of the API was observed, where it is not that none answers. */
  apiWhy?: string;
  /** The hosts' time. */
  now: Date;
}

/** Holds every compiled resource against what was observed, a stage a step. Pure. */
export function* comparing(input: CompareInput): Generator<undefined, Comparisons> {
  const result: Comparisons = { byHost: new Map(), shared: sharedStates(input), stages: new Map() };
  for (const stage of input.tree.stages) {
    compareStage(stage, input, result);
    yield;
  }
  for (const removal of removals(input)) {
    const plans = result.stages.get(removal.stage) ?? [];
    result.stages.set(removal.stage, plans);
    const plan = plans.find((each) => each.host === removal.host);
    if (plan) plan.items.unshift(removal.item);
    else plans.push({ host: removal.host, items: [removal.item] });
  }
  return result;
}

/** {@link comparing} in one piece. */
export function compare(input: CompareInput): Comparisons {
  return atOnce(comparing(input));
}

/** One stage, in the light of those before it. */
export function compareStage(stage: StateTree['stages'][number], input: CompareInput, into: Comparisons): HostPlan[] {
  const plans = stage.hosts.map((states) => compareHost(states, input, into));
  into.stages.set(stage.name, plans);
  return plans;
}

function compareHost(states: HostStates, input: CompareInput, into: Comparisons): HostPlan {
  const known = into.byHost.get(states.host) ?? new Map<Ref, Compared>();
  into.byHost.set(states.host, known);
  const observed = input.observed.get(states.host);
  const context: CompareContext = {
    host: states.host,
    shared: into.shared,
    owned: states.host === API ? input.apiOwned : ownedMap(input.facts.get(states.host)),
    of: (name) => known.get(name),
    now: input.now,
  };
  const items = states.resources.map((resource): PlanItem => {
    const kind = kindOf(resource);
    const comparison: Comparison = observed
      ? kind.compare(resource, observed, context)
      : { result: 'deferred', until: states.stage, why: input.apiWhy ?? 'no API server answers yet' };
    known.set(ref(resource), { resource, comparison });
    return { ref: ref(resource), title: kind.title(resource), kind: resource.kind, comparison };
  });
  return { host: states.host, items };
}

function ownedMap(facts: HostFacts | undefined): Map<string, string> {
  return new Map((facts?.owned ?? []).map((entry) => [entry.ref, entry.hash]));
}

function sharedStates(input: CompareInput): ReadonlyMap<string, SharedState> {
  const hosts = input.tree.hosts.map((host) => ({
    host,
    resources: input.tree.stages.flatMap((stage) =>
      stage.hosts.filter((states) => states.host === host).flatMap((states) => states.resources),
    ),
    observed: input.observed.get(host),
    owned: ownedMap(input.facts.get(host)),
    etcdData: input.facts.get(host)?.etcdData ?? false,
  }));
  const resolved = resolveShared(
    hosts.flatMap((each) => (each.observed ? [{ ...each, observed: each.observed }] : [])),
  );
  const [problem, ...more] = resolved.problems;
  if (problem)
    throw new McpkError('refused', problem.message, {
      details: more.map(({ message }) => message),
      hint: problem.hint,
    });
  return resolved.states;
}

interface Removal {
  stage: string;
  host: string;
  item: PlanItem;
}

/** Refs of what mcpk owns in the API and no stage describes. */
export function leavingFromApi(input: Pick<CompareInput, 'tree' | 'apiOwned'>): string[] {
  const api = [...input.apiOwned].map(([name, stage]): OwnedEntry => ({ ref: name, hash: '', stage }));
  return leavingFrom(input.tree, API, api).leaving.map((entry) => entry.ref);
}

function leavingFrom(
  tree: StateTree,
  host: string,
  owned: readonly OwnedEntry[],
): { leaving: OwnedEntry[]; paths: ReadonlySet<string>; resources: Resource[] } {
  const resources = tree.stages.flatMap((stage) =>
    stage.hosts.filter((states) => states.host === host).flatMap((states) => states.resources),
  );
  const described = new Set<string>(resources.map((resource) => ref(resource)));
  // The same path under another kind (a file that became a link, or the key of a certificate) is replaced.
  const paths = new Set(resources.flatMap((resource) => touchedPaths(resource)));
  const deferred = new Set(tree.stages.filter((stage) => stage.deferred !== undefined).map((stage) => stage.name));
  const leaving = owned.filter(
    (entry) =>
      !described.has(entry.ref) &&
      isKind(entry.ref.slice(0, entry.ref.indexOf(':'))) &&
      !deferred.has(entry.stage) &&
      !paths.has(entry.ref.slice(entry.ref.indexOf(':') + 1)),
  );
  return { leaving, paths, resources };
}

/** Owned but no longer described: settings, addons and units also leave. Units first, folders last. */
function removals(input: CompareInput): Removal[] {
  const found: Removal[] = [];
  for (const [host, owned] of ownedEntries(input)) {
    const stages = stagesFor(host, input.tree);
    const { leaving, paths, resources } = leavingFrom(input.tree, host, owned);
    const objects = new Set(resources.flatMap((each) => (each.kind === 'kubeObject' ? [sameObject(each.id)] : [])));
    const known = leaving.filter(({ ref: name }) => host !== API || input.apiLeaving?.get(name)?.ours !== undefined);
    for (const entry of known.toSorted((a, b) => removalRank(b.ref) - removalRank(a.ref))) {
      const separator = entry.ref.indexOf(':');
      const id = entry.ref.slice(separator + 1);
      const kind = entry.ref.slice(0, separator);
      found.push({
        stage: stages.includes(entry.stage) ? entry.stage : (stages.at(-1) ?? ''),
        host,
        item: {
          ref: entry.ref,
          title: id,
          kind,
          comparison: {
            result: 'change',
            ...(host === API ? partingOf(id, objects, input.apiLeaving?.get(entry.ref)) : LEAVES),
            hash: '',
            rests: entry.hash,
            ...(kind !== 'kubeObject' && removalOf(entry.ref, entry, paths).length === 0
              ? { specification: ['left on the host, no longer looked after'] }
              : {}),
          },
        },
      });
    }
  }
  return found;
}

/** Names of the stages with which things may leave a host; objects leave with a stage of the API, whatever their list says. */
function stagesFor(host: string, { stages }: StateTree): string[] {
  const ofApi = stages.filter((stage) => stage.hosts.some((states) => states.host === API));
  return (host === API && ofApi.length > 0 ? ofApi : stages).map((stage) => stage.name);
}

/** What mcpk owns on every host, and in the API. */
function ownedEntries(input: CompareInput): [string, readonly OwnedEntry[]][] {
  const api = [...input.apiOwned].map(([name, stage]): OwnedEntry => ({ ref: name, hash: '', stage }));
  return [...[...input.facts].map(([host, { owned }]): [string, readonly OwnedEntry[]] => [host, owned]), [API, api]];
}

/** Lower leaves first (items are put in front one by one, so the list is walked from the back). */
function removalRank(name: string): number {
  const order = [
    'unit',
    'command',
    'kubeObject',
    'link',
    'file',
    'certificate',
    'sharedSecret',
    'sysctl',
    'binary',
    'package',
    'user',
    'directory',
  ];
  return order.indexOf(name.slice(0, name.indexOf(':')));
}
