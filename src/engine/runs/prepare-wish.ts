import { hostsNow } from '../../cluster/clock.ts';
import type { OwedUndo } from '../../cluster/facts.ts';
import { runningVersions } from '../../cluster/running.ts';
import type { Brings, Stage } from '../../states/stage.ts';
import type { MadeStages } from '../../states/wishes/wish.ts';
import type { EngineInput } from '../input.ts';
import { compare, type CompareInput, type Comparisons } from '../plan/compare.ts';
import { compileStage } from '../plan/compile.ts';
import { behindOwed, withOwing } from '../plan/owed-first.ts';
import { checkSkew } from '../plan/skew.ts';
import type { Opened } from '../read/open.ts';
import type { HostPlan, StateTree } from '../types.ts';
import { assemble, type Assembled, type Planned } from './assemble.ts';
import { compileInput } from './compile-input.ts';
import { planChanges } from './plan-changes.ts';

export interface Preparing extends MadeStages, Pick<Planned, 'generations' | 'run'> {
  /** What happens on each stage's hosts, by its name; absent: what they take off hosts, and steps. */
  plans?: ReadonlyMap<string, HostPlan[]>;
  /** What services run by then, where these change it. */
  brings?: Brings;
  /** What runs that were cut off left undone, and is seen to before all else. */
  owed?: readonly OwedUndo[];
}

/** From a wish's stages to its program, of hosts that are reached and locked. What they take off hosts is all that is compared. */
export async function prepareWish(asked: EngineInput, opened: Opened, wish: Preparing): Promise<Assembled> {
  const { plans, brings, owed = [], ...more } = wish;
  const stages = behindOwed(wish.stages, owed, asked.stages);
  // What a step has done is undone by none of what a host keeps; what goes back fails with what it was before, too.
  const input = { ...asked, stages, noRollback: true };
  const compareInput = compareInputOf(input, opened, plans ? [] : wish.stages);
  const comparisons: Comparisons = plans
    ? { byHost: new Map(), shared: new Map(), stages: new Map(plans) }
    : withOwed(compare(compareInput), owed);
  const planned = await planChanges({ input, tree: compareInput.tree, comparisons }, opened, {
    brings,
    back: owed.map(({ host }) => host),
    check(plan, facts) {
      if (brings) checkSkew(plan.stages, runningVersions(facts), brings);
      return plan;
    },
  });
  return assemble({ ...more, input, compareInput, ...planned, gateHeld: new Set() });
}

function withOwed(comparisons: Comparisons, owed: readonly OwedUndo[]): Comparisons {
  return { ...comparisons, stages: withOwing(comparisons.stages, owed) };
}

function compareInputOf(input: EngineInput, { facts }: Opened, stages: readonly Stage[]): CompareInput {
  const compiled = stages.map((stage) => compileStage(stage, compileInput(input, facts)));
  const tree: StateTree = { hosts: [...facts.hosts.keys()], stages: compiled };
  // As these stages describe nothing, all that is owned elsewhere would count as no longer described.
  const taken = new Set(compiled.flatMap(({ takes = [] }) => takes));
  return {
    tree,
    observed: new Map(),
    facts: new Map([...facts.hosts].filter(([name]) => taken.has(name))),
    apiOwned: new Map(),
    now: hostsNow(facts),
  };
}
