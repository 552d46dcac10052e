import { hostsWith, type Cluster } from '../inventory/types.ts';
import { namedMembers, presentEtcd } from './etcd-file.ts';
import type { EtcdMember, EtcdPhase, Facts } from './facts.ts';

type Seen = Pick<Facts, 'hosts' | 'members'>;

/** What etcd is while no quorum answers. */
export function phaseWithoutQuorum(cluster: Cluster, seen: Seen): EtcdPhase {
  const withData = membersWithData(cluster, seen).length;
  if (!hasFormed(cluster, seen)) return withData === 0 ? 'none' : 'forming';
  return withData >= quorumOf(knownMembers(cluster, seen).length) ? 'down' : 'lost';
}

export function quorumOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

export function membersWithData(cluster: Cluster, { hosts }: Pick<Facts, 'hosts'>): string[] {
  return hostsWith(cluster, 'etcd').flatMap(({ name }) => (hosts.get(name)?.etcdData ? [name] : []));
}

/**
 * Whether a quorum ever stood: a member's file says so, which is written once etcd's gate has held; or an API server
 * was laid down, which waits for that gate. Founders of a bring-up that was cut off show neither.
 */
function hasFormed(cluster: Cluster, { hosts }: Seen): boolean {
  const laid = (name: string): boolean => hosts.get(name)?.owned.some((entry) => entry.stage === 'api-server') ?? false;
  const joined = (name: string): boolean => {
    const own = hosts.get(name);
    return own !== undefined && presentEtcd(own)['initial-cluster-state'] === 'existing';
  };
  return (
    hostsWith(cluster, 'master').some(({ name }) => laid(name)) ||
    hostsWith(cluster, 'etcd').some(({ name }) => joined(name))
  );
}

/** By etcd's own word; without it by the file of a member, one with data first; without one the inventory's. */
export function knownMembers(cluster: Cluster, { hosts, members }: Seen): readonly EtcdMember[] {
  if (members !== undefined) return members;
  const inOrder = hostsWith(cluster, 'etcd')
    .flatMap(({ name }) => hosts.get(name) ?? [])
    .toSorted((a, b) => Number(b.etcdData) - Number(a.etcdData));
  const named = inOrder.map(namedMembers).find((each) => each.length > 0);
  return named ?? hostsWith(cluster, 'etcd').map(({ name }) => ({ name, peerUrls: [] }));
}
