import type { Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import { carrierOf } from '../carrier.ts';
import { nodeHosts } from '../node-rollout.ts';

/** Bytes that an encapsulation puts before each packet (Calico's docs, "Configure MTU"). */
const OVERHEAD = { vxlan: 50, ipip: 20, bgp: 0 } as const;

/**
 * The largest packet of pods that fits through the interfaces of all hosts. Calico's own search by names does not find
 * tunnels, bonds and bridges. 0, which leaves it to Calico, when no host's interface is known.
 */
export function podMtu(cluster: Cluster, facts: Facts): number {
  if (cluster.network.mtu > 0) return cluster.network.mtu;
  const known = nodeHosts(cluster).flatMap((host) => carrierOf(host, facts.hosts.get(host.name))?.mtu || []);
  return known.length === 0 ? 0 : Math.min(...known) - OVERHEAD[cluster.network.calico.encapsulation];
}
