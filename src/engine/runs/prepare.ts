import { clockWarning, hostsNow } from '../../cluster/clock.ts';
import { runningVersions } from '../../cluster/running.ts';
import { withRuntimeSource } from '../../cluster/runtime-source.ts';
import { inTurns } from '../../core/turns.ts';
import type { Stage } from '../../states/stage.ts';
import { heldStages } from '../hosts/gates.ts';
import type { EngineInput } from '../input.ts';
import type { Plan } from '../types.ts';
import { inventoryOf } from '../plan/inventory-digest.ts';
import { checkKept } from '../plan/holders.ts';
import { withLeftovers } from '../plan/leftovers.ts';
import type { Opened } from '../read/open.ts';
import { checkProblems } from '../read/problems.ts';
import { withStanding } from '../read/standing.ts';
import { withForecasts } from '../read/drains.ts';
import { tellUnfinished } from '../read/unfinished.ts';
import { refusals } from '../work/guard.ts';
import { withAlong } from '../plan/along.ts';
import { authorityWarning } from '../plan/authority-end.ts';
import { comparing, type CompareInput } from '../plan/compare.ts';
import { compiling } from '../plan/compile.ts';
import { ofUnknownKind } from '../plan/owned.ts';
import { plan, type PlanInput } from '../plan/plan.ts';
import { bringsWanted, checkSkew } from '../plan/skew.ts';
import { snapshotBefore } from '../plan/snapshot.ts';
import { checkInventory } from '../plan/stale.ts';
import { API } from '../../core/places.ts';
import { assemble, type Assembled } from './assemble.ts';
import { compileInput } from './compile-input.ts';
import { observe, readLeaving, whyNoApi } from './observe.ts';
import { ownedOn } from './undefer.ts';
import { withMaterials } from './with-materials.ts';

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

/** facts → states → observed → plan. What stands against the run by what hosts say comes before all that is fetched. */
export async function prepare(
  from: EngineInput,
  opened: Opened,
  { inPlace = [], saved }: PrepareOptions = {},
): Promise<Prepared> {
  const asked = { ...from, cluster: withRuntimeSource(from.cluster, opened.facts) };
  const { reader, since } = opened;
  const { emit, cluster } = asked;
  const clock = clockWarning(opened.facts);
  if (clock !== undefined) emit({ at: since(), type: 'warning', message: clock });
  await checkProblems(asked, opened);
  const busy = { ...asked, stages: asked.stages.filter((stage) => !stage.idle?.(cluster, opened.facts)) };
  const given = await withMaterials(busy, opened.facts);
  if (saved) checkInventory(saved, inventoryOf(given));
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
  const described: EngineInput = { ...given, stages };
  emit({ at: since(), type: 'phase', name: 'probe', state: 'start' });
  const probe = observe(described, opened, tree.stages);
  const [{ observed, apiOwned, nonsense }, gateHeld, { cutOff, owed }] = await Promise.all([
    probe.all,
    heldStages(reader, inPlace, { cluster, facts: opened.facts }, probe.hosts),
    tellUnfinished(described, opened),
  ]);
  emit({ at: since(), type: 'phase', name: 'probe', state: 'end' });
  const now = hostsNow(opened.facts);
  const apiLeaving = await readLeaving(described, opened, { tree, apiOwned, nonsense });
  const apiWhy = whyNoApi(opened.facts);
  const compareInputOf: CompareInput = { tree, observed, facts: opened.facts.hosts, apiOwned, apiLeaving, apiWhy, now };
  const compared = await inTurns(comparing(compareInputOf));
  const { comparisons, ...rolling } = withAlong(described, opened.facts, compared);
  const input: EngineInput = { ...described, ...rolling };
  const ending = authorityWarning(comparisons.shared, now);
  if (ending !== undefined) emit({ at: since(), type: 'warning', message: ending });
  const surroundings = { reader, cluster, stages: input.stages };
  const facts = await withStanding(surroundings, { ...opened.facts, owed }, comparisons);
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
  const brings = bringsWanted(cluster);
  checkSkew(unguarded.stages, runningVersions(facts), brings);
  const [foreseen, refused] = await Promise.all([
    withForecasts({ reader, cluster, facts }, unguarded),
    refusals({ ...surroundings, facts }, unguarded),
  ]);
  const planned = {
    ...foreseen,
    refused,
    ...snapshotBefore(unguarded.stages, { facts, brings, into: input.snapshot }),
  };
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
