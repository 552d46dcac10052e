import type { Facts } from '../cluster/facts.ts';
import { owns } from '../cluster/laid.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';

/**
 * Some API server serves clients now: from here on masters change one at a time. One that answered does; one of ours
 * that only listens counts as well, as it may be about to.
 */
export function apiServes(cluster: Cluster, facts: Facts): boolean {
  if (facts.nodes !== undefined) return true;
  return hostsWith(cluster, 'master').some((host) => {
    const own = facts.hosts.get(host.name);
    return own !== undefined && own.ports.includes(cluster.apiServer.port) && owns(own, 'unit:kube-apiserver.service');
  });
}

/** One at a time, those of `last` at the end (the VIP's holder, etcd's leader). */
export function oneAtATime(changed: readonly string[], last: (host: string) => boolean): string[][] {
  return [...changed.filter((host) => !last(host)), ...changed.filter(last)].map((host) => [host]);
}

/** The rollout of everything on the masters that serves: all together before there is anyone to serve. */
export function mastersRollout(cluster: Cluster, facts: Facts, changed: readonly string[]): string[][] {
  if (!apiServes(cluster, facts)) return [[...changed]];
  return oneAtATime(changed, (host) => facts.hosts.get(host)?.holdsVip ?? false);
}

/** HAProxy and Keepalived: one at a time as soon as the VIP is somewhere, its holder last. */
export function vipRollout(_cluster: Cluster, facts: Facts, changed: readonly string[]): string[][] {
  const holds = (host: string): boolean => facts.hosts.get(host)?.holdsVip ?? false;
  return [...facts.hosts.keys()].some(holds) ? oneAtATime(changed, holds) : [[...changed]];
}
