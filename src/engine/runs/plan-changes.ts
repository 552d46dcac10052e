import type { Facts } from '../../cluster/facts.ts';
import type { Brings } from '../../states/stage.ts';
import type { EngineInput } from '../input.ts';
import type { Comparisons } from '../plan/compare.ts';
import { inventoryOf } from '../plan/inventory-digest.ts';
import { plan, type PlanInput } from '../plan/plan.ts';
import { withForecasts } from '../read/drains.ts';
import type { Opened } from '../read/open.ts';
import { withStanding } from '../read/standing.ts';
import type { Plan, StateTree } from '../types.ts';
import { refusals } from '../work/guard.ts';
import type { Planned } from './assemble.ts';

export interface Changes {
  input: EngineInput;
  tree: StateTree;
  comparisons: Comparisons;
}

export interface PlanningOptions {
  /** What services run by then; absent: what the inventory wants. */
  brings?: Brings | undefined;
  /** Hosts on which what was down is up before any batch. */
  back?: readonly string[];
  /** Sees the plan before hosts are asked what would come of it: may refuse it, or add to it. */
  check: (plan: Plan, facts: Facts) => Plan;
}

/**
 * changes → plan, with what its drains come to and what apply would refuse, as hosts say now; and what it rests on.
 * Asks hosts only where the order of batches depends on who serves, where something is taken down or drained.
 *
 * @throws McpkError `refused` where a drain could never end, and what `check` throws
 */
export async function planChanges(
  { input, tree, comparisons }: Changes,
  opened: Opened,
  { brings, back = [], check }: PlanningOptions,
): Promise<Pick<Planned, 'opened' | 'planInput' | 'plan'>> {
  const { cluster, stages, selection, tool } = input;
  const { reader, since } = opened;
  const facts = await withStanding({ reader, cluster, stages }, opened.facts, comparisons);
  const planInput: PlanInput = {
    ...{ cluster, facts, stages, tree, comparisons, selection, inventory: inventoryOf(input), tool },
    ...(brings ? { brings } : {}),
    now: new Date(),
  };
  const unguarded = check(plan(planInput), facts);
  const [foreseen, refused] = await Promise.all([
    withForecasts({ reader, cluster, facts }, unguarded),
    refusals({ reader, cluster, facts, stages, back }, unguarded),
  ]);
  const planned = { ...foreseen, refused };
  input.emit({ at: since(), type: 'planned', plan: planned, ms: since() });
  return { opened: { ...opened, facts }, planInput, plan: planned };
}
