import { inCidr, isIpv4 } from '../core/ipv4.ts';
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
  return `https://${host.internalAddress}:${String(cluster.apiServer.port)}`;
}

export function endpointUrl(cluster: Cluster): string {
  return `https://${cluster.endpoint.address}:${String(cluster.endpoint.port)}`;
}

/** The interface that carries the VIP: the named one, else the one whose subnet holds the VIP, else the host's own. */
export function vipInterface(cluster: Cluster, host: Host, facts: HostFacts): string | undefined {
  if (cluster.endpoint.interface !== undefined) return cluster.endpoint.interface;
  const { address } = cluster.endpoint;
  const carries = (wanted: (own: { address: string; prefix: number }) => boolean): string | undefined =>
    facts.interfaces.find((each) => each.addresses.some(wanted))?.name;
  return (
    (isIpv4(address)
      ? carries((own) => own.prefix < 32 && inCidr(address, `${own.address}/${String(own.prefix)}`))
      : undefined) ?? carries((own) => own.address === host.internalAddress)
  );
}
