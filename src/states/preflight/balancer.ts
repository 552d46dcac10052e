import type { Answer } from '../../cluster/gate.ts';
import { isAddress } from '../../core/address.ts';
import { lastLine } from '../../core/answer.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { Inquiry, InquiryContext, Problem } from '../stage.ts';

/**
 * Whether hosts that join find a load balancer that is not ours: know its name, or have a way to its address, as nodes
 * have addresses of IPv4 and it may have one of IPv6. Whether it answers shows only once there is an API behind it.
 */
export function balancerInquiry({ cluster, facts, newcomers }: InquiryContext): Inquiry | undefined {
  const { address, external } = cluster.endpoint;
  // An API server is one of the lanes.
  if (!external || cluster.hosts.some((host) => host.internalAddress === address)) return undefined;
  const argv = isAddress(address) ? ['ip', 'route', 'get', address] : ['getent', 'ahosts', address];
  const asks = cluster.hosts
    .filter((host) => newcomers.has(host.name) && facts.hosts.has(host.name) && goesThere(cluster, host))
    .map(({ name }) => ({ host: name, argv }));
  if (asks.length === 0) return undefined;
  return {
    asks,
    judge: (answers) => answers.filter(({ exitCode }) => exitCode !== 0).map((each) => lost(address, each)),
  };
}

/** Masters ask their own API server; Calico's pods on them do not. */
function goesThere({ network }: Cluster, { roles }: Host): boolean {
  return network.plugin === 'calico' || !roles.includes('master');
}

function lost(address: string, { host, stderr }: Answer): Problem {
  const why = lastLine(stderr);
  return {
    host,
    message: isAddress(address)
      ? `has no way to the endpoint ${address}${why === '' ? '' : `: ${why}`}`
      : `does not know the name of the endpoint, ${address}`,
    hint: isAddress(address)
      ? 'Nodes reach the API there: give the host a route to it, and an address of its kind, or set another endpoint.address.'
      : 'Nodes reach the API by that name: let the host resolve it (DNS, or /etc/hosts), or set another endpoint.address.',
  };
}
