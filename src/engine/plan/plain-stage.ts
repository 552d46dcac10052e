import type { Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Stage } from '../../states/stage.ts';

/**
 * A stage that describes nothing: what is there under its name only leaves, or goes back. Nobody knows any more what
 * serves with it, so hosts change one at a time, the VIP's holder last.
 */
export function plainStage(name: string, title: string, needs: readonly string[]): Stage {
  return { name, title, needs, hosts: (cluster) => cluster.hosts, states: () => [], rollout: hostByHost };
}

function hostByHost(_cluster: Cluster, { hosts }: Facts, changed: readonly string[]): string[][] {
  const holdsVip = (name: string): boolean => hosts.get(name)?.holdsVip ?? false;
  return [...changed.filter((name) => !holdsVip(name)), ...changed.filter(holdsVip)].map((name) => [name]);
}
