import { contactable, type Cluster, type Host } from '../inventory/types.ts';
import type { Facts, HostFacts } from './facts.ts';
import { keepalivedHosts } from './endpoint.ts';
import { owns } from './laid.ts';

/** A host that was read and is more than it shall be: it leaves the cluster, or gives up a role. */
export interface Leaver {
  host: Host;
  /** All of it goes: the host is `absent`. */
  whole: boolean;
  /** Has an API server that it shall not have, a member of etcd, a kubelet, Keepalived. */
  master: boolean;
  member: boolean;
  node: boolean;
  vip: boolean;
}

/** What is laid there tells what a host was, whatever inventories said of it. */
export function leavers(cluster: Cluster, facts: Facts): Leaver[] {
  return contactable(cluster).flatMap((host) => {
    const own = facts.hosts.get(host.name);
    const leaver = own && leaverOf(cluster, host, own);
    if (!own || !leaver) return [];
    const { whole, master, member, node } = leaver;
    const isLeft = whole && (own.owned.length > 0 || own.unfinished || facts.nodes?.has(host.name) === true);
    return isLeft || master || member || node ? [leaver] : [];
  });
}

function leaverOf(cluster: Cluster, host: Host, own: HostFacts): Leaver {
  const whole = host.state === 'absent';
  const keeps = (...roles: readonly string[]): boolean => !whole && host.roles.some((role) => roles.includes(role));
  const has = (unit: string): boolean => owns(own, `unit:${unit}.service`);
  return {
    host,
    whole,
    master: has('kube-apiserver') && !keeps('master'),
    member: has('etcd') && !keeps('etcd'),
    node: has('kubelet') && !keeps('master', 'worker'),
    vip: has('keepalived') && !keepalivedHosts(cluster).includes(host),
  };
}

/** Hosts that are never contacted and that the API still has as nodes. */
export function goneNodes({ leaving }: Cluster, { nodes }: Facts): Host[] {
  return leaving.filter(({ name, state }) => state === 'gone' && nodes?.has(name) === true);
}
