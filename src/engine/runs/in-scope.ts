import type { Facts } from '../../cluster/facts.ts';
import { hasLaid } from '../../cluster/laid.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Stage } from '../../states/stage.ts';
import type { EngineInput } from '../input.ts';
import { isNamed } from '../plan/named-stages.ts';
import type { Selection } from '../types.ts';

interface Scoped {
  /** In order; of a plan they may need more. */
  stages: readonly Pick<Stage, 'name' | 'needs'>[];
  selection: Selection;
}

/** With `--only X`: X and all that it needs, as their gates must hold. `--skip` leaves the rest out. */
export function stagesInScope({ stages, selection }: Scoped): Set<string> {
  const found = new Set(stages.map((stage) => stage.name).filter((name) => isNamed(name, selection)));
  // Needs come earlier in the array: walked from its end, each need is added before it is looked at.
  for (const stage of stages.toReversed()) if (found.has(stage.name)) for (const need of stage.needs) found.add(need);
  return found;
}

/** Laid down by an earlier run, on a cluster that is there: most likely its gate holds. */
export function isInPlace(stage: Stage, cluster: Cluster, facts: Facts): boolean {
  if (facts.etcd !== 'formed') return false;
  const hosts = stage.hosts(cluster).flatMap(({ name }) => facts.hosts.get(name) ?? []);
  return stage.api === true || hosts.every((host) => hasLaid(host, stage.name));
}

/** A stage that only verifies is for `verify`: an apply with nothing to do creates nothing in the cluster. */
export function converging<T extends EngineInput>(input: T): T {
  return { ...input, stages: input.stages.filter((stage) => !stage.verify) };
}
