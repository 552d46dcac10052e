import { clockWarning } from '../../cluster/clock.ts';
import { withRuntimeSource } from '../../cluster/runtime-source.ts';
import { inTurns } from '../../core/turns.ts';
import type { EngineInput } from '../input.ts';
import { compiling } from '../plan/compile.ts';
import { inventoryOf } from '../plan/inventory-digest.ts';
import { withLeftovers } from '../plan/leftovers.ts';
import { ofUnknownKind } from '../plan/owned.ts';
import { checkInventory } from '../plan/stale.ts';
import type { Opened } from '../read/open.ts';
import { checkProblems } from '../read/problems.ts';
import type { Plan, StateTree } from '../types.ts';
import { compileInput } from './compile-input.ts';
import { withMaterials } from './with-materials.ts';

/** What hosts shall be. */
export interface HostsDescribed {
  /** With the materials, and the stages that are in the tree. */
  input: EngineInput;
  tree: StateTree;
}

/**
 * facts → states. What stands against the run by what hosts say comes before all that is fetched.
 *
 * @param saved a plan that must be of the same inventory
 * @throws McpkError `refused`, `preflight`; `stale` where `saved` is of another inventory
 */
export async function describe(from: EngineInput, opened: Opened, saved: Plan | undefined): Promise<HostsDescribed> {
  const { facts, since } = opened;
  const asked = { ...from, cluster: withRuntimeSource(from.cluster, facts) };
  const { emit, cluster } = asked;
  const clock = clockWarning(facts);
  if (clock !== undefined) emit({ at: since(), type: 'warning', message: clock });
  await checkProblems(asked, opened);
  const busy = { ...asked, stages: asked.stages.filter((stage) => !stage.idle?.(cluster, facts)) };
  const input = await withMaterials(busy, facts);
  if (saved) checkInventory(saved, inventoryOf(input));
  for (const [host, { owned }] of facts.hosts)
    for (const ref of ofUnknownKind(owned))
      emit({
        at: since(),
        type: 'warning',
        host,
        message: `owns ${ref}, of a kind that only a newer mcpk knows: left`,
      });
  const compiled = await inTurns(compiling(compileInput(input, facts)));
  const { stages, tree } = withLeftovers(input.stages, compiled, facts.hosts);
  return { input: { ...input, stages }, tree };
}
