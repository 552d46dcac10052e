import { hostsWith, type Cluster } from '../inventory/types.ts';
import { namedMembers, presentEtcd } from './etcd-file.ts';
import type { EtcdMember, EtcdPhase, Facts } from './facts.ts';
import { hasLaid } from './laid.ts';

type Seen = Pick<Facts, 'hosts' | 'members'>;

/** What etcd is while no quorum answers. */
export function phaseWithoutQuorum(cluster: Cluster, seen: Seen): EtcdPhase {
  const withData = membersWithData(cluster, seen).length;
  if (!hasFormed(cluster, seen)) return withData === 0 ? 'none' : 'forming';
  const members = knownMembers(seen) ?? hostsWith(cluster, 'etcd');
  return withData >= quorumOf(members.length) ? 'down' : 'lost';
}

export function quorumOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

/** Of the members and of those that the inventory wants to be some: a worker that was one long ago does not count. */
export function membersWithData(cluster: Cluster, seen: Seen): string[] {
  const members = (knownMembers(seen) ?? []).map(({ name }) => name);
  const counted = new Set([...members, ...hostsWith(cluster, 'etcd').map(({ name }) => name)]);
  return hostsWithData(seen).filter((name) => counted.has(name));
}

/** Whatever the inventory makes of them now. */
export function hostsWithData({ hosts }: Pick<Facts, 'hosts'>): string[] {
  return [...hosts].flatMap(([name, own]) => (own.etcdData ? [name] : []));
}

/**
 * Whether a quorum ever stood: a member's file says so, which is written once etcd's gate has held; or an API server
 * was laid down, which waits for that gate. Founders of a bring-up that was cut off show neither.
 */
function hasFormed(cluster: Cluster, { hosts }: Seen): boolean {
  const joined = (name: string): boolean => {
    const own = hosts.get(name);
    return own !== undefined && presentEtcd(own)['initial-cluster-state'] === 'existing';
  };
  const masters = hostsWith(cluster, 'master');
  return (
    masters.some(({ name }) => hasLaid(hosts.get(name), 'api-server')) ||
    [...masters, ...hostsWith(cluster, 'etcd')].some(({ name }) => joined(name))
  );
}

/** By etcd's own word; without it by the file of a member, one with data first. */
export function knownMembers({ hosts, members }: Seen): readonly EtcdMember[] | undefined {
  if (members !== undefined) return members;
  const inOrder = [...hosts.values()].toSorted((a, b) => Number(b.etcdData) - Number(a.etcdData));
  for (const own of inOrder) {
    const named = namedMembers(own);
    if (named.length > 0) return named;
  }
  return undefined;
}
