import { besideAddress, isBrokenAddress } from '../core/address.ts';
import { formatIpv4, inCidr, IPV4_ONLY, isIpv4, namesIpv6, overlap, parseCidr, parseIpv4 } from '../core/ipv4.ts';
import { hostsWith } from './types.ts';
import type { Draft } from './check.ts';
import type { Path } from './node.ts';

export function checkNetwork(draft: Draft): void {
  checkCidrs(draft);
  checkEndpoint(draft);
  checkPorts(draft);
}

function checkCidrs(draft: Draft): void {
  const { network, hosts, addons } = draft.cluster;
  for (const name of ['podCidr', 'serviceCidr'] as const) {
    const range = parseCidr(network[name]);
    if (range === undefined || draft.broken('network', name)) continue;
    if (parseIpv4(network[name].replace(/\/.*$/, '')) !== range.base) {
      draft.mistake(
        ['network', name],
        `"${network[name]}" has bits set behind its prefix`,
        `${formatIpv4(range.base)}/${String(range.prefix)}`,
      );
    }
    // A default stands in no line: what was written beside it is at fault.
    const held = (path: Path, address: string, whose: string): void => {
      if (draft.given('network', name)) draft.mistake(['network', name], `${network[name]} holds ${address}, ${whose}`);
      else draft.mistake(path, `${address} lies in network.${name} ${network[name]} (its default): change one of them`);
    };
    for (const host of hosts.filter((host) => inCidr(host.internalAddress, network[name]))) {
      const own = draft.host(host, 'internalAddress');
      held(
        draft.given(...own) ? own : draft.host(host, 'address'),
        host.internalAddress,
        `the address of ${host.name}`,
      );
    }
    const { address } = draft.cluster.endpoint;
    if (inCidr(address, network[name]) && hosts.every((host) => host.internalAddress !== address))
      held(['endpoint', 'address'], address, "the endpoint's address");
  }
  const known = !draft.broken('network', 'podCidr') && !draft.broken('network', 'serviceCidr');
  if (known && overlap(network.podCidr, network.serviceCidr))
    draft.mistake(['network', 'serviceCidr'], `${network.serviceCidr} overlaps with podCidr ${network.podCidr}`);
  checkSizes(draft);
  const { serviceAddress, forward } = addons.coredns;
  for (const [index, address] of forward.entries()) {
    if (!inCidr(address, '127.0.0.0/8') && address !== serviceAddress) continue;
    draft.mistake(
      ['addons', 'coredns', 'forward', index],
      `${address} is CoreDNS itself: inside a pod nobody else answers there`,
    );
  }
  if (draft.broken('network', 'serviceCidr') || serviceAddress === '' || !addons.coredns.enabled) return;
  const offset = (parseIpv4(serviceAddress) ?? 0) - (parseCidr(network.serviceCidr)?.base ?? 0);
  if (!inCidr(serviceAddress, network.serviceCidr))
    draft.mistake(
      ['addons', 'coredns', 'serviceAddress'],
      `${serviceAddress} is not in serviceCidr ${network.serviceCidr}`,
    );
  else if (offset < 2)
    draft.mistake(
      ['addons', 'coredns', 'serviceAddress'],
      `${serviceAddress} is taken: the first address of serviceCidr is the API's`,
    );
}

/** Limits of kube-apiserver (services: at most 20 bits) and of the node IPAM controller (nodes: at most 16 bits). */
function checkSizes(draft: Draft): void {
  const { network, hosts } = draft.cluster;
  const service = parseCidr(network.serviceCidr);
  if (service !== undefined && (service.prefix < 12 || service.prefix > 28))
    draft.mistake(['network', 'serviceCidr'], `a prefix of /${String(service.prefix)} is not between /12 and /28`);
  const pods = parseCidr(network.podCidr);
  if (pods === undefined || draft.broken('network', 'podCidr') || draft.broken('network', 'nodePrefix')) return;
  const bits = network.nodePrefix - pods.prefix;
  const parts = 2 ** Math.max(bits, 0);
  if (bits < 0 || bits > 16)
    draft.mistake(
      ['network', 'nodePrefix'],
      `/${String(network.nodePrefix)} does not fit podCidr ${network.podCidr}: take /${String(Math.max(pods.prefix, 9))} to /${String(Math.min(pods.prefix + 16, 30))}`,
    );
  else if (parts < hosts.length)
    draft.mistake(
      ['network', 'nodePrefix'],
      `podCidr ${network.podCidr} has ${String(parts)} parts of /${String(network.nodePrefix)}, and there are ${String(hosts.length)} hosts`,
    );
}

function checkEndpoint(draft: Draft): void {
  const { endpoint, hosts, apiServer } = draft.cluster;
  for (const [index, name] of endpoint.names.entries())
    if (isBrokenAddress(name))
      draft.mistake(['endpoint', 'names', index], `"${name}" is neither an address nor a name${besideAddress(name)}`);
  // Whether there is a load balancer of one's own is decided by these.
  if (!draft.knowsHosts || draft.broken('endpoint', 'address') || draft.broken('endpoint', 'external')) return;
  const masters = hostsWith(draft.cluster, 'master');
  if (masters.length === 0) return;
  if (endpoint.address === '') {
    draft.mistake(
      ['endpoint', 'address'],
      masters.length > 1
        ? 'address is missing: several masters need a VIP, or a load balancer and external: true'
        : 'address is missing: external is false, so a VIP is needed',
    );
    return;
  }
  const owner = hosts.find((host) => host.internalAddress === endpoint.address || host.address === endpoint.address);
  const ports = !draft.broken('endpoint', 'port') && !draft.broken('apiServer', 'port');
  if (endpoint.external) {
    if (isBrokenAddress(endpoint.address))
      draft.mistake(
        ['endpoint', 'address'],
        `"${endpoint.address}" is neither an address nor a name${besideAddress(endpoint.address)}`,
      );
    if (ports && owner?.roles.includes('master') === true && endpoint.port !== apiServer.port)
      draft.mistake(
        ['endpoint', 'port'],
        `${owner.name} itself answers at apiServer.port ${String(apiServer.port)}, not ${String(endpoint.port)}`,
      );
    if (endpoint.tls === 'terminate')
      draft.mistake(['endpoint', 'tls'], 'terminate is done by HAProxy, and external means that there is none of ours');
    return;
  }
  if (owner !== undefined)
    draft.mistake(
      ['endpoint', 'address'],
      `${endpoint.address} is the address of ${owner.name}; a VIP belongs to no host`,
    );
  if (!isIpv4(endpoint.address))
    draft.mistake(
      ['endpoint', 'address'],
      namesIpv6(endpoint.address)
        ? `"${endpoint.address}" is not an IPv4 address; ${IPV4_ONLY}`
        : `"${endpoint.address}" is not an IPv4 address, which a VIP is; a name needs external: true`,
    );
  if (ports && endpoint.port === apiServer.port)
    draft.mistake(
      ['endpoint', 'port'],
      `apiServer.port is ${String(apiServer.port)} too, and both listen on the masters`,
    );
}

function checkPorts(draft: Draft): void {
  const { apiServer, endpoint } = draft.cluster;
  if (draft.broken('apiServer', 'nodePortRange')) return;
  const [low = 0, high = 0] = apiServer.nodePortRange.split('-').map(Number);
  if (low < 1 || high > 65535 || low > high)
    draft.mistake(
      ['apiServer', 'nodePortRange'],
      `"${apiServer.nodePortRange}" is not a range of ports: low-high, from 1 to 65535`,
    );
  for (const [name, port] of [
    ['apiServer', apiServer.port],
    ['endpoint', endpoint.port],
  ] as const) {
    if (draft.broken(name, 'port') || (name === 'endpoint' && endpoint.external)) continue;
    if (port >= low && port <= high)
      draft.mistake([name, 'port'], `${String(port)} lies in apiServer.nodePortRange ${apiServer.nodePortRange}`);
    else if ([2379, 2380, 10250, 10256, 10257, 10259].includes(port))
      draft.mistake([name, 'port'], `${String(port)} is used by etcd or another part of Kubernetes`);
  }
}
