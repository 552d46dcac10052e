import { PATHS } from '../../core/paths.ts';
import { POD_GATEWAY } from '../../core/routes.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Resource } from '../../resources/types.ts';
import { directory } from '../build.ts';
import { carrierOf } from '../carrier.ts';
import { hostRoutes } from '../host-routes.ts';
import { nodeHosts } from '../node-rollout.ts';
import type { StateContext } from '../stage.ts';
import { CALICO } from './objects.ts';

/** What Calico needs on a host beside its objects in the API. */
export function calicoHost({ host, own }: StateContext): Resource[] {
  const carrier = carrierOf(host, own);
  // Without any route to it Linux does not answer for the pods' gateway, and no pod reaches anything.
  const gateway =
    own.routesPodGateway || carrier === undefined
      ? []
      : hostRoutes({
          routes: [`${POD_GATEWAY} dev ${carrier.name}`],
          title: `route to ${POD_GATEWAY}, the gateway of Calico's pods: the host has no default route`,
          guarded: false,
        });
  return [
    ...gateway,
    directory('/etc/cni'),
    { ...directory(PATHS.cniConfig), exclusive: true, except: CALICO.cniFiles },
  ];
}

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
