import { McpkError } from '../../core/errors.ts';
import { atOnce } from '../../core/turns.ts';
import { kindOf, pathsOf, ref } from '../../resources/kinds.ts';
import { resolveShared } from '../../resources/shared.ts';
import type { CompareContext, Comparison, Observed, Ref, Resource, SharedState } from '../../resources/types.ts';
import type { HostFacts } from '../../cluster/facts.ts';
import { API } from '../../core/places.ts';
import type { HostPlan, HostStates, PlanItem, StateTree } from '../types.ts';
import { removals, type RemovalInput } from './removals.ts';

export interface Compared {
  /** That describes it. */
  stage: string;
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

export interface CompareInput extends RemovalInput {
  observed: ReadonlyMap<string, Observed>;
  /** Why nothing of the API was observed, where it is not that none answers. */
  apiWhy?: string;
  /** The hosts' time. */
  now: Date;
}

/** Holds every compiled resource against what was observed, and yields after each stage. Pure. */
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
    pathsOf,
    now: input.now,
  };
  const items = states.resources.map((resource): PlanItem => {
    const kind = kindOf(resource);
    const comparison: Comparison = observed
      ? kind.compare(resource, observed, context)
      : { result: 'deferred', until: states.stage, why: input.apiWhy ?? 'no API server answers yet' };
    known.set(ref(resource), { stage: states.stage, resource, comparison });
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
