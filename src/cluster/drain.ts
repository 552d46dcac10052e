import type { Cluster } from '../inventory/types.ts';
import { kubectl } from './kubectl.ts';

/**
 * Takes the pods off a node by evictions (policy/v1), asked of the API server on `on`: what a budget forbids is tried
 * again until `rollout.drain.timeout`. Pods of DaemonSets and static ones stay.
 */
export function drain(cluster: Cluster, on: string, node: string): string[] {
  const { timeout, gracePeriod, emptyDir, unmanaged } = cluster.rollout.drain;
  const flags = [
    '--ignore-daemonsets',
    ...(emptyDir === 'delete' ? ['--delete-emptydir-data'] : []),
    // As it calls pods that nothing would make anew.
    ...(unmanaged === 'delete' ? ['--force'] : []),
    ...(gracePeriod === undefined ? [] : [`--grace-period=${String(gracePeriod)}`]),
    `--timeout=${String(timeout)}s`,
  ];
  return kubectl(cluster, on, 'drain', node, ...flags).argv;
}
