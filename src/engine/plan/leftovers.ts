import type { HostFacts } from '../../cluster/facts.ts';
import type { Stage } from '../../states/stage.ts';
import type { StateTree } from '../types.ts';
import { plainStage } from './plain-stage.ts';
import { leavingFrom } from './removals.ts';

/** The stage with which things leave that were laid on hosts by stages that mcpk no longer has. */
const LEFTOVERS = 'leftovers';

/** The stages and the tree, with one stage more, the last one, where hosts have something of such former stages. */
export function withLeftovers(
  stages: readonly Stage[],
  tree: StateTree,
  facts: ReadonlyMap<string, HostFacts>,
): { stages: readonly Stage[]; tree: StateTree } {
  const names = stages.map((stage) => stage.name);
  const taken = new Set(tree.stages.flatMap(({ takes = [] }) => takes));
  const isLeft = ([host, { owned }]: [string, HostFacts]): boolean =>
    !taken.has(host) && leavingFrom(tree, host, owned).leaving.some((entry) => !names.includes(entry.stage));
  if (![...facts].some(isLeft)) return { stages, tree };
  const stage = plainStage(LEFTOVERS, 'Left by former stages', names);
  const { name, title, needs } = stage;
  return { stages: [...stages, stage], tree: { ...tree, stages: [...tree.stages, { name, title, needs, hosts: [] }] } };
}
