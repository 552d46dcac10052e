import type { Facts } from '../cluster/facts.ts';
import { hasLaid } from '../cluster/laid.ts';
import { hostsWith, type Cluster, type Host } from '../inventory/types.ts';
import { oneAtATime } from './masters-rollout.ts';

/** Hosts that run pods: masters and workers, in the inventory's order; a host that is only an etcd member is none. */
export function nodeHosts(cluster: Cluster): Host[] {
  return cluster.hosts.filter(isNode);
}

export function isNode(host: Host): boolean {
  return host.roles.includes('master') || host.roles.includes('worker');
}

/**
 * Nodes that are to come serve nobody: they go first, all at once; while no API server tells which there are, these are
 * the hosts on which no kubelet was laid down. Then the others in turn.
 */
export function nodeBatches(cluster: Cluster, facts: Facts, changed: readonly string[]): string[][] {
  const members = membersAlone(cluster);
  const serves = (name: string): boolean =>
    members.has(name) ? facts.etcd !== 'none' : (facts.nodes?.has(name) ?? hasLaid(facts.hosts.get(name), 'nodes'));
  const fresh = changed.filter((name) => !serves(name));
  return [...(fresh.length > 0 ? [fresh] : []), ...nodesInTurn(cluster, facts, changed.filter(serves))];
}

/**
 * Hosts that serve: one at a time members of etcd that are no masters (the leader last) and masters (the VIP's holder
 * last), then workers by `rollout.workers`.
 */
export function nodesInTurn(cluster: Cluster, facts: Facts, names: readonly string[]): string[][] {
  const masters = new Set(hostsWith(cluster, 'master').map((host) => host.name));
  const members = new Set(hostsWith(cluster, 'etcd').flatMap(({ name }) => (masters.has(name) ? [] : [name])));
  return [
    ...oneAtATime(
      names.filter((name) => members.has(name)),
      (name) => facts.standing?.etcdLeader === name,
    ),
    ...oneAtATime(
      names.filter((name) => masters.has(name)),
      (name) => facts.hosts.get(name)?.holdsVip ?? false,
    ),
    ...chunks(
      names.filter((name) => !masters.has(name) && !members.has(name)),
      atATime(cluster),
    ),
  ];
}

/** Hosts of which a member of etcd is all. */
function membersAlone(cluster: Cluster): Set<string> {
  return new Set(cluster.hosts.filter((host) => !isNode(host)).map((host) => host.name));
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
