import { McpkError } from '../../core/errors.ts';
import { ref } from '../../resources/kinds.ts';
import type { SharedState } from '../../resources/types.ts';
import { changesOf, type StagePlan, type StateTree } from '../types.ts';

interface Made {
  id: string;
  stages: readonly StagePlan[];
  tree: StateTree;
}

/**
 * A secret that this run makes must lie on a host that keeps it: an authority that nobody kept could never sign
 * another leaf.
 *
 * @throws McpkError `refused` when the hosts that keep it are left out, and others are to get what rests on it
 */
export function checkKept(
  tree: StateTree,
  stages: readonly StagePlan[],
  shared: ReadonlyMap<string, SharedState>,
): void {
  for (const [id, { state }] of shared) {
    if (state === 'held') continue;
    const { resting, kept, holders } = places({ id, stages, tree });
    if (kept || resting.length === 0) continue;
    throw new McpkError('refused', `${id} would be made, and kept by no host`, {
      details: [
        `${resting.join(', ')} would get what rests on it; left out: ${holders.join(', ')}, where it would lie`,
      ],
      hint: 'Run mcpk apply with these hosts first.',
    });
  }
}

/**
 * `resting`: hosts that are to get the secret or what it signs. `holders`: all that would keep it; `kept`: one of these
 * changes in this run.
 */
function places({ id, stages, tree }: Made): { resting: string[]; kept: boolean; holders: string[] } {
  const changed = new Set(
    stages.flatMap((stage) => stage.hosts.flatMap((plan) => changesOf(plan).map((item) => `${plan.host} ${item.ref}`))),
  );
  const all = tree.stages.flatMap((stage) =>
    stage.hosts.flatMap(({ host, resources }) =>
      resources
        .filter(
          (each) => (each.kind === 'sharedSecret' ? each.id : each.kind === 'certificate' && each.authority) === id,
        )
        .map((each) => ({ host, resource: each, changes: changed.has(`${host} ${ref(each)}`) })),
    ),
  );
  const holders = all.filter(({ resource }) => resource.kind === 'sharedSecret' && resource.holder);
  return {
    resting: [...new Set(all.filter(({ changes }) => changes).map(({ host }) => host))],
    kept: holders.some(({ changes }) => changes),
    holders: holders.map(({ host }) => host),
  };
}
