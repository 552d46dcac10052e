import { withPort } from '../core/address.ts';
import { inCidr } from '../core/ipv4.ts';
import { hostsWith, type Cluster, type Host } from '../inventory/types.ts';
import type { HostFacts } from './facts.ts';

/** A VIP that moves between masters; not with an external balancer, nor when the address is one master's own. */
export function hasVip(cluster: Cluster): boolean {
  const { endpoint } = cluster;
  return !endpoint.external && !hostsWith(cluster, 'master').some((host) => host.internalAddress === endpoint.address);
}

/** HAProxy runs wherever the endpoint is ours and not simply the one API server's own socket. */
export function hasHaproxy(cluster: Cluster): boolean {
  return !cluster.endpoint.external && (hasVip(cluster) || cluster.endpoint.port !== cluster.apiServer.port);
}

export function haproxyHosts(cluster: Cluster): Host[] {
  return hasHaproxy(cluster) ? hostsWith(cluster, 'master') : [];
}

export function keepalivedHosts(cluster: Cluster): Host[] {
  return hasVip(cluster) ? hostsWith(cluster, 'master') : [];
}

/** How workers reach the API; masters ask their own API server. */
export function apiUrl(cluster: Cluster, host: Host): string {
  return host.roles.includes('master') ? localApiUrl(cluster, host) : endpointUrl(cluster);
}

export function localApiUrl(cluster: Cluster, host: Host): string {
  return `https://${withPort(host.internalAddress, cluster.apiServer.port)}`;
}

export function endpointUrl(cluster: Cluster): string {
  return `https://${withPort(cluster.endpoint.address, cluster.endpoint.port)}`;
}

/** The interface that the inventory names for the VIP on this host. */
export function namedVipInterface({ endpoint }: Cluster, host: Host): string | undefined {
  return host.vipInterface ?? endpoint.interface;
}

/**
 * The interface that carries the VIP: the named one, else one whose subnet holds the VIP, else the host's own. Of several
 * such the one of internalAddress, then that of the smallest subnet, as the kernel routes. VRRP does not go by it, but by
 * the one of internalAddress.
 */
export function vipInterface(cluster: Cluster, host: Host, facts: HostFacts): string | undefined {
  const named = namedVipInterface(cluster, host);
  if (named !== undefined) return named;
  const { address } = cluster.endpoint;
  const all = facts.interfaces.flatMap(({ name, addresses }) => addresses.map((own) => ({ name, ...own })));
  const isOwn = (own: { address: string }): boolean => own.address === host.internalAddress;
  const beside = all
    .filter((own) => own.prefix < 32 && inCidr(address, `${own.address}/${String(own.prefix)}`))
    .sort((a, b) => b.prefix - a.prefix);
  return (beside.find(isOwn) ?? beside[0] ?? all.find(isOwn))?.name;
}
