import { clockWarning, hostsNow } from '../../cluster/clock.ts';
import { inTurns } from '../../core/turns.ts';
import type { Stage } from '../../states/stage.ts';
import { heldStages } from '../hosts/gates.ts';
import type { EngineInput } from '../input.ts';
import { inventoryOf } from '../plan/inventory-digest.ts';
import { checkKept } from '../plan/keepers.ts';
import { withLeftovers } from '../plan/leftovers.ts';
import type { Opened } from '../read/open.ts';
import { checkProblems } from '../read/problems.ts';
import { withStanding } from '../read/standing.ts';
import { tellUnfinished } from '../read/unfinished.ts';
import { refusals } from '../work/guard.ts';
import { authorityWarning } from '../plan/authority-end.ts';
import { comparing, type CompareInput } from '../plan/compare.ts';
import { compiling } from '../plan/compile.ts';
import { ofUnknownKind } from '../plan/owned.ts';
import { plan, type PlanInput } from '../plan/plan.ts';
import { API } from '../types.ts';
import { assemble, type Assembled } from './assemble.ts';
import { compileInput } from './compile-input.ts';
import { observe, readLeaving, whyNoApi } from './observe.ts';
import { ownedOn } from './undefer.ts';

export interface Prepared extends Assembled {
  /** Hosts on which a run before this one was cut off. */
  cutOff: readonly string[];
}

/** facts → states → observed → plan. The gates of stages that are in place already are asked with the probe. */
export async function prepare(given: EngineInput, opened: Opened, inPlace: readonly Stage[]): Promise<Prepared> {
  const { fleet, since } = opened;
  const { emit, cluster } = given;
  const clock = clockWarning(opened.facts);
  if (clock !== undefined) emit({ at: since(), type: 'warning', message: clock });
  await checkProblems(given, opened);
  for (const [host, { owned }] of opened.facts.hosts)
    for (const ref of ofUnknownKind(owned))
      emit({
        at: since(),
        type: 'warning',
        host,
        message: `owns ${ref}, of a kind that only a newer mcpk knows: left`,
      });

  const compiled = await inTurns(compiling(compileInput(given, opened.facts)));
  const { stages, tree } = withLeftovers(given.stages, compiled, opened.facts.hosts);
  const input: EngineInput = { ...given, stages };
  emit({ at: since(), type: 'phase', name: 'probe', state: 'start' });
  const probe = observe(input, opened, tree.stages);
  const [{ observed, apiOwned, nonsense }, gateHeld, cutOff] = await Promise.all([
    probe.all,
    heldStages(fleet, inPlace, { cluster, facts: opened.facts, signal: input.signal }, probe.hosts),
    tellUnfinished(input, opened),
  ]);
  emit({ at: since(), type: 'phase', name: 'probe', state: 'end' });
  const now = hostsNow(opened.facts);
  const apiLeaving = await readLeaving(input, opened, { tree, apiOwned, nonsense });
  const apiWhy = whyNoApi(opened.facts);
  const compareInputOf: CompareInput = { tree, observed, facts: opened.facts.hosts, apiOwned, apiLeaving, apiWhy, now };
  const comparisons = await inTurns(comparing(compareInputOf));
  const ending = authorityWarning(comparisons.shared, now);
  if (ending !== undefined) emit({ at: since(), type: 'warning', message: ending });
  const surroundings = { fleet, cluster, stages: input.stages, signal: input.signal };
  const facts = await withStanding(surroundings, opened.facts, comparisons);
  const planInput: PlanInput = {
    cluster,
    facts,
    stages: input.stages,
    tree,
    comparisons,
    selection: input.selection,
    inventory: inventoryOf(input),
    tool: input.tool,
    now: new Date(),
  };
  const unguarded = plan(planInput);
  checkKept(tree, unguarded.stages, comparisons.shared);
  const planned = { ...unguarded, refused: await refusals({ ...surroundings, facts }, unguarded) };
  emit({ at: since(), type: 'planned', plan: planned, ms: since() });
  const assembled = assemble({
    input,
    opened: { ...opened, facts },
    tree,
    observed,
    comparisons,
    plan: planned,
    compareInput: compareInputOf,
    planInput,
    gateHeld,
  });
  for (const [name, stage] of apiOwned) ownedOn(assembled.means, API).set(name, { hash: '', stage });
  return { ...assembled, cutOff };
}
