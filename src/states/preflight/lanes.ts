import { haproxyHosts, keepalivedHosts } from '../../cluster/endpoint.ts';
import { hostsWith, type Cluster, type Host } from '../../inventory/types.ts';

/** Traffic that one host must let through to another; `number` is a port, or with `ip` that of the protocol. */
export interface Lane {
  kind: 'tcp' | 'udp' | 'ip';
  number: number;
  /** For a reader: `etcd peers`. */
  purpose: string;
  from: Host;
  to: Host;
  /** Of a host that is no node yet, a node drops it. */
  amongNodes?: true;
}

type Traffic = Omit<Lane, 'from' | 'to'> & { from: readonly Host[]; to: readonly Host[] };

/** All that goes from host to host, pair by pair. The bridge network routes pods' own packets: nothing of the hosts'. */
export function lanesOf(cluster: Cluster): Lane[] {
  return trafficOf(cluster).flatMap(({ from, to, ...what }) =>
    from.flatMap((source) => to.filter((peer) => peer !== source).map((peer) => ({ ...what, from: source, to: peer }))),
  );
}

function trafficOf(cluster: Cluster): Traffic[] {
  const masters = hostsWith(cluster, 'master');
  const members = hostsWith(cluster, 'etcd');
  const nodes = cluster.hosts.filter((host) => host.roles.includes('master') || host.roles.includes('worker'));
  const etcdClients = cluster.hosts.filter((host) => masters.includes(host) || members.includes(host));
  const keepalived = keepalivedHosts(cluster);
  const tcp = (number: number, purpose: string, from: readonly Host[], to: readonly Host[]): Traffic => ({
    kind: 'tcp',
    number,
    purpose,
    from,
    to,
  });
  return [
    tcp(2379, 'etcd', etcdClients, members),
    tcp(2380, 'etcd peers', members, members),
    // Also of workers: the service `kubernetes` leads their pods here.
    tcp(cluster.apiServer.port, 'API server', nodes, masters),
    tcp(cluster.endpoint.port, 'HAProxy', nodes, haproxyHosts(cluster)),
    tcp(10250, 'kubelet', masters, nodes),
    { kind: 'ip', number: 112, purpose: "VRRP, Keepalived's", from: keepalived, to: keepalived },
    ...(cluster.network.plugin === 'calico' ? calicoTraffic(cluster, nodes) : []),
  ];
}

/**
 * IPIP carries the packets, its routes come by BGP. A node that runs Calico takes VXLAN and IPIP from other nodes alone
 * ("Drop IPv4 VXLAN packets from non-allowed hosts", felix/rules/static.go).
 */
function calicoTraffic({ network }: Cluster, nodes: readonly Host[]): Traffic[] {
  const between = { from: nodes, to: nodes };
  const bgp: Traffic = { kind: 'tcp', number: 179, purpose: "BGP, Calico's", ...between };
  switch (network.calico.encapsulation) {
    case 'vxlan':
      return [{ kind: 'udp', number: 4789, purpose: "VXLAN, Calico's", amongNodes: true, ...between }];
    case 'ipip':
      return [{ kind: 'ip', number: 4, purpose: "IPIP, Calico's", amongNodes: true, ...between }, bgp];
    case 'bgp':
      return [bgp];
  }
}
