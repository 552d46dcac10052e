import type { Facts, OwedUndo } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Stage } from '../../states/stage.ts';
import type { HostPlan } from '../types.ts';
import { backwards } from './backwards.ts';

/** What is owed before these stages do anything: not on hosts off which they take all that is there. */
export function owedBefore(stages: readonly Stage[], cluster: Cluster, facts: Facts): OwedUndo[] {
  const taken = new Set(stages.flatMap((stage) => stage.takes?.(cluster, facts) ?? []));
  return (facts.owed ?? []).filter(({ host }) => !taken.has(host));
}

/**
 * These stages behind those of `all` that owe something, which do nothing else; one that has the name of such a stage
 * sees to what is owed by itself.
 */
export function behindOwed(stages: readonly Stage[], owed: readonly OwedUndo[], all: readonly Stage[]): Stage[] {
  const own = new Set(stages.map(({ name }) => name));
  const noted = new Set(owed.map(({ stage }) => stage).filter((name) => !own.has(name)));
  const first = backwards(all, new Set(), { noted, marked: new Set() });
  const before = first.map(({ name }) => name);
  return [...first, ...stages.map((stage) => ({ ...stage, needs: [...before, ...stage.needs] }))];
}

/** What changes on hosts of stages, with those that only owe something: nothing. */
export function withOwing(plans: ReadonlyMap<string, HostPlan[]>, owed: readonly OwedUndo[]): Map<string, HostPlan[]> {
  const all = new Map(plans);
  for (const { stage, host } of owed) {
    const known = all.get(stage) ?? [];
    if (!known.some((each) => each.host === host)) all.set(stage, [...known, { host, items: [] }]);
  }
  return all;
}
