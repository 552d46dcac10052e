import { runningVersions } from '../../cluster/running.ts';
import type { Stage } from '../../states/stage.ts';
import type { EngineInput } from '../input.ts';
import { checkKept } from '../plan/holders.ts';
import { bringsWanted, checkSkew } from '../plan/skew.ts';
import { snapshotBefore } from '../plan/snapshot.ts';
import type { Opened } from '../read/open.ts';
import type { Plan } from '../types.ts';
import { assemble, type Assembled } from './assemble.ts';
import { compareHosts, type HostsCompared } from './compare-hosts.ts';
import { describe } from './describe.ts';
import { planChanges, type PlanningOptions } from './plan-changes.ts';

export interface Prepared extends Assembled {
  /** Hosts on which a run before this one was cut off. */
  cutOff: readonly string[];
}

export interface PrepareOptions {
  /** Stages whose gates most likely hold: they are asked with the probe. */
  inPlace?: readonly Stage[];
  /** A plan that must be of the same inventory. */
  saved?: Plan | undefined;
}

/** From what hosts tell to the program of an apply: facts → states → observed → differences → plan. */
export async function prepare(
  asked: EngineInput,
  opened: Opened,
  { inPlace = [], saved }: PrepareOptions = {},
): Promise<Prepared> {
  const described = await describe(asked, opened, saved);
  const { owed, cutOff, ...compared } = await compareHosts(described, opened, inPlace);
  const known = { ...opened, facts: { ...opened.facts, owed } };
  const planned = await planChanges(compared, known, { check: checking(compared) });
  return { ...assemble({ ...compared, ...planned }), cutOff };
}

/** What an apply must not come to, and the bundle of etcd that comes before it. */
function checking({
  input,
  tree,
  comparisons,
}: Pick<HostsCompared, 'input' | 'tree' | 'comparisons'>): PlanningOptions['check'] {
  const brings = bringsWanted(input.cluster);
  return (plan, facts) => {
    checkKept(tree, plan.stages, comparisons.shared);
    checkSkew(plan.stages, runningVersions(facts), brings);
    return { ...plan, ...snapshotBefore(plan.stages, { facts, brings, into: input.snapshot }) };
  };
}
