import type { Facts } from '../cluster/facts.ts';
import { hostsWith, type Cluster, type Host } from '../inventory/types.ts';

/** Hosts that run pods: masters and workers, in the inventory's order; a host that is only an etcd member is none. */
export function nodeHosts(cluster: Cluster): Host[] {
  return cluster.hosts.filter(isNode);
}

export function isNode(host: Host): boolean {
  return host.roles.includes('master') || host.roles.includes('worker');
}

/**
 * Hosts that are no nodes yet serve nobody: they go first, all at once. Then masters one at a time, the VIP's
 * holder last, then workers by `rollout.workers`.
 */
export function nodeBatches(cluster: Cluster, facts: Facts, changed: readonly string[]): string[][] {
  const serves = (name: string): boolean => facts.nodes?.has(name) ?? false;
  const masters = new Set(hostsWith(cluster, 'master').map((host) => host.name));
  const holdsVip = (name: string): boolean => facts.hosts.get(name)?.holdsVip ?? false;
  const fresh = changed.filter((name) => !serves(name));
  const serving = changed.filter(serves);
  const rolling = serving.filter((name) => masters.has(name));
  const ordered = [...rolling.filter((name) => !holdsVip(name)), ...rolling.filter(holdsVip)];
  const workers = serving.filter((name) => !masters.has(name));
  return [...(fresh.length > 0 ? [fresh] : []), ...ordered.map((name) => [name]), ...chunks(workers, atATime(cluster))];
}

/** `rollout.workers` as a count: a percentage is of all workers, rounded down, at least one. */
export function atATime(cluster: Cluster): number {
  const { workers } = cluster.rollout;
  const percent = typeof workers === 'string' && workers.endsWith('%') ? Number(workers.slice(0, -1)) : undefined;
  const all = cluster.hosts.filter((host) => host.roles.includes('worker') && !host.roles.includes('master')).length;
  const count = percent === undefined ? Number(workers) : Math.floor((all * percent) / 100);
  return Math.max(1, Number.isFinite(count) ? Math.floor(count) : 1);
}

function chunks(names: readonly string[], size: number): string[][] {
  const batches: string[][] = [];
  for (let start = 0; start < names.length; start += size) batches.push(names.slice(start, start + size));
  return batches;
}
