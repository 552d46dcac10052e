import type { Facts, HostFacts } from '../../cluster/facts.ts';
import { isNew } from '../../cluster/laid.ts';
import { inCidr, overlap, parseCidr } from '../../core/ipv4.ts';
import { PATHS } from '../../core/paths.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { Problem } from '../stage.ts';
import { nameServersOf } from './host.ts';

/** What pod networks make on hosts: their addresses are in podCidr or serviceCidr, and shall be. */
const OF_PODS = /^(cni0|tunl0|vxlan\.calico|kube-ipvs0|cali.*)$/;

/** What a host would no longer reach, as it lies in a network that is to be the pods' or the services'. */
interface Taken {
  /** For a reader: `its subnet 10.244.3.5/24 (eth1)`. */
  what: string;
  isIn: (cidr: string) => boolean;
}

/** Pods and services in a network of the hosts' would cut those hosts off. */
export function subnets(cluster: Cluster, facts: Facts): Problem[] {
  const { podCidr, serviceCidr } = cluster.network;
  const clash = overlap(podCidr, serviceCidr)
    ? [{ message: `network.podCidr ${podCidr} and network.serviceCidr ${serviceCidr} overlap` }]
    : [];
  const hosts = cluster.hosts.flatMap((host) => {
    const own = facts.hosts.get(host.name);
    return Object.entries({ podCidr, serviceCidr }).flatMap(([name, cidr]) =>
      (own ? takenBy(host, own) : [])
        .filter(({ isIn }) => isIn(cidr))
        .map(({ what }) => ({ host: host.name, message: `network.${name} ${cidr} overlaps ${what}` })),
    );
  });
  return [...clash, ...hosts];
}

/** Of a node only the subnet of its address: what else there is came with the cluster, or the cluster has lived with it. */
function takenBy(host: Host, own: HostFacts): Taken[] {
  const joins = isNew(own);
  const addresses = own.interfaces.flatMap(({ name, addresses }) => addresses.map((each) => ({ name, ...each })));
  const nets = addresses.filter(
    ({ name, address }) => address === host.internalAddress || (joins && !OF_PODS.test(name)),
  );
  return [
    ...nets.map(({ name, address, prefix }) => {
      const subnet = `${address}/${String(prefix)}`;
      return { what: `its subnet ${subnet} (${name})`, isIn: (cidr: string) => overlap(cidr, subnet) };
    }),
    ...(joins ? [...routesOf(own), ...serversOf(own)] : []),
  ];
}

/** A route into a part of the network wins over the cluster's own; one to more than all of it loses, as a default one. */
function routesOf({ routes }: HostFacts): Taken[] {
  return routes
    .filter(({ dev }) => !OF_PODS.test(dev))
    .map(({ to, dev }) => ({
      what: `its route to ${to} (${dev})`,
      isIn: (cidr) => overlap(cidr, to) && (parseCidr(to)?.prefix ?? 0) >= (parseCidr(cidr)?.prefix ?? 0),
    }));
}

function serversOf(own: HostFacts): Taken[] {
  return nameServersOf(own, own.resolved ? PATHS.resolvedConf : PATHS.resolvConf).map((address) => ({
    what: `its name server ${address}`,
    isIn: (cidr) => inCidr(address, cidr),
  }));
}
