import type { Facts, HostFacts } from '../../cluster/facts.ts';
import type { Cluster, Host } from '../../inventory/types.ts';

/** What `render` takes for granted about hosts that nobody asked. Each line is told to the user. */
export const ASSUMPTIONS = [
  'Debian 13 on amd64, systemd 257, cgroup v2',
  'one interface eth0 with internalAddress/24, MTU 1500',
  'neither systemd-resolved nor systemd-networkd',
  'bare hosts: no etcd data, no cluster yet',
] as const;

export function assumedFacts(cluster: Cluster): Facts {
  return {
    hosts: new Map(cluster.hosts.map((host) => [host.name, assume(host)])),
    unreachable: [],
    etcd: 'none',
  };
}

function assume(host: Host): HostFacts {
  return {
    os: { id: 'debian', version: '13', name: 'Debian GNU/Linux 13 (trixie)', like: [] },
    arch: 'amd64',
    kernel: '6.12.0',
    hostname: host.name,
    machineId: '',
    bootId: '',
    interfaces: [{ name: 'eth0', addresses: [{ address: host.internalAddress, prefix: 24 }], mtu: 1500 }],
    holdsVip: false,
    memoryBytes: 8e9,
    cpus: 4,
    diskFreeBytes: 50e9,
    cgroup: 2,
    clockSkewMs: 0,
    swap: false,
    systemd: 257,
    resolved: false,
    networkd: false,
    packageManager: 'apt',
    ports: [22],
    foreign: [],
    owned: [],
    files: {},
    etcdData: false,
    kernelFeatures: [],
  };
}
