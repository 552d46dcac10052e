import { bareHost } from '../../cluster/bare-host.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';

/** What `render` takes for granted about hosts that nobody asked. Each line is told to the user. */
export const ASSUMPTIONS = [
  'Debian 13 on amd64, systemd 257, cgroup v2',
  'one interface eth0 with internalAddress/24, MTU 1500',
  'no systemd-resolved',
  'bare hosts: no etcd data, no cluster yet',
] as const;

export function assumedFacts(cluster: Cluster): Facts {
  return {
    hosts: new Map(cluster.hosts.map((host) => [host.name, bareHost(host.name, host.internalAddress)])),
    unreachable: [],
    etcd: 'none',
  };
}
