import type { HostFacts } from './facts.ts';

/** Facts of a host that nobody asked: a bare Debian 13 with one interface in a /24. */
export function bareHost(name: string, address: string): HostFacts {
  return {
    os: { id: 'debian', version: '13', name: 'Debian GNU/Linux 13 (trixie)', like: [] },
    arch: 'amd64',
    kernel: '6.12.0',
    hostname: name,
    machineId: '',
    interfaces: [{ name: 'eth0', addresses: [{ address, prefix: 24 }], mtu: 1500 }],
    holdsVip: false,
    routesPodGateway: true,
    hasDefaultRoute: true,
    routes: [],
    cniFiles: [],
    memoryBytes: 8 * 2 ** 30,
    cpus: 4,
    diskFreeBytes: 50 * 2 ** 30,
    filesystems: [
      { path: '/var/lib', freeBytes: 50 * 2 ** 30, totalBytes: 60 * 2 ** 30, freeInodes: 3e6, inodes: 4e6 },
    ],
    cgroup: 2,
    clockSkewMs: 0,
    swap: false,
    systemd: 257,
    resolved: false,
    packageManager: 'apt',
    ports: [22],
    runs: {},
    foreign: [],
    rivals: [],
    missingModules: [],
    laterSysctls: [],
    flushesRules: false,
    owned: [],
    unfinished: false,
    files: {},
    etcdData: false,
  };
}
