import { isMap } from '../core/merge.ts';
import type { Cluster } from '../inventory/types.ts';
import { kubectl } from './kubectl.ts';

/** On a Node that mcpk cordoned: laid and taken away together with the cordon. One without it is an operator's. */
const CORDONED_BY = 'mcpk.io/cordoned-by';
const OURS = 'mcpk';

/** Both at once, so that a cordon of ours is never without its mark, whenever mcpk is killed. */
const patch = (on: boolean): string =>
  JSON.stringify({
    metadata: { annotations: { [CORDONED_BY]: on ? OURS : null } },
    spec: { unschedulable: on ? true : null },
  });

/** What is read of the Node: `true` alone is a cordon of somebody else. */
const SEEN = '{.spec.unschedulable}{.metadata.annotations.mcpk\\.io/cordoned-by}';

/** Fixed text; what varies comes as arguments. $1 = name, $2 = patch, the rest = kubectl. */
const LOOK = `set -eu
node=$1; patch=$2; shift 2
seen=$("$@" get node "$node" -o jsonpath='${SEEN}')
`;

/** A cordon of others stays theirs. */
const CORDON = `${LOOK}[ "$seen" = true ] && exit 0
exec "$@" patch node "$node" --type=merge -p "$patch"
`;

/** The same way back, where the mark is there; else nothing of ours is left to undo. */
const UNCORDON = `${LOOK}case $seen in *${OURS}) exec "$@" patch node "$node" --type=merge -p "$patch" ;; esac
`;

/** Keeps new pods off a node, asked of the API server on `on`. */
export function cordon(cluster: Cluster, on: string, node: string): string[] {
  return ['sh', '-c', CORDON, 'sh', node, patch(true), ...kubectl(cluster, on).argv];
}

/** Lets new pods in again where mcpk kept them off. */
export function uncordon(cluster: Cluster, on: string, node: string): string[] {
  return ['sh', '-c', UNCORDON, 'sh', node, patch(false), ...kubectl(cluster, on).argv];
}

/** Lets new pods in again, whoever kept them off. */
export function liftCordon(cluster: Cluster, on: string, node: string): string[] {
  return kubectl(cluster, on, 'patch', 'node', node, '--type=merge', '-p', patch(false)).argv;
}

/** Whose a cordon is, as the Node tells it; undefined where there is none. A mark alone is one that was half lifted. */
export function cordonOf(spec: { unschedulable?: unknown }, annotations: unknown): 'mcpk' | 'other' | undefined {
  if (isMap(annotations) && annotations[CORDONED_BY] === OURS) return 'mcpk';
  return spec.unschedulable === true ? 'other' : undefined;
}
