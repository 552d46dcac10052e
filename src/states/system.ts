import { PATHS, USERS } from '../core/paths.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import type { CommandResource, DirectoryResource, KernelModuleResource, PackageResource, Resource, UserResource } from '../resources/types.ts';
import { directory, file, FOLDER, folderOf, ROOT_FOLDER, sortedEntries } from './build.ts';
import type { Stage, StateContext } from './stage.ts';

/** What later stages and gates call: `socat` asks sockets, `conntrack` and `ethtool` are kubelet's and kube-proxy's. */
const BASE_PACKAGES = ['ca-certificates', 'conntrack', 'ethtool', 'iproute2', 'kmod', 'nftables', 'socat'];

/** `evidence` also shows a module that is built into the kernel. */
const MODULES: readonly KernelModuleResource[] = [
  { kind: 'kernelModule', name: 'overlay', evidence: '/sys/module/overlay' },
  { kind: 'kernelModule', name: 'br_netfilter', evidence: '/proc/sys/net/bridge/bridge-nf-call-iptables' },
  { kind: 'kernelModule', name: 'nf_conntrack', evidence: '/proc/sys/net/netfilter/nf_conntrack_max' },
];

const NETWORK_SYSCTLS = {
  'net.bridge.bridge-nf-call-ip6tables': '1',
  'net.bridge.bridge-nf-call-iptables': '1',
  'net.ipv4.ip_forward': '1',
};

/** kubelet refuses to start with `protectKernelDefaults` unless these are so (pkg/kubelet/cm/container_manager_linux.go). */
const KUBELET_SYSCTLS = {
  'kernel.keys.root_maxbytes': '25000000',
  'kernel.keys.root_maxkeys': '1000000',
  'kernel.panic': '10',
  'kernel.panic_on_oops': '1',
  'vm.overcommit_memory': '1',
  'vm.panic_on_oom': '0',
};

export const system: Stage = {
  name: 'system',
  title: 'Base system',
  hosts: (cluster) => cluster.hosts,
  needs: ['preflight'],
  states: (context) => [
    ...packages(context),
    ...timeSync(context.cluster),
    ...kernel(context),
    ...swap(context.cluster),
    ...users(context),
    ...directories(context),
    ...hostsFile(context),
  ],
};

function isNode(host: Host): boolean {
  return host.roles.includes('master') || host.roles.includes('worker');
}

function packages({ cluster, host }: StateContext): PackageResource[] {
  const proxied = isNode(host) && (cluster.kubeProxy.mode !== 'nftables' || cluster.network.plugin === 'calico');
  const names = [
    ...BASE_PACKAGES,
    ...(proxied ? ['iptables', 'ipset'] : []),
    ...(isNode(host) && cluster.kubeProxy.mode === 'ipvs' ? ['ipvsadm'] : []),
    ...cluster.system.packages,
  ];
  // nftables' unit would flush the rules of kube-proxy when it starts: masked while dpkg runs, and never started by us.
  return [...new Set(names)].sort().map((name) => ({ kind: 'package', name, units: name === 'nftables' ? ['nftables.service'] : [], hold: false }));
}

function timeSync(cluster: Cluster): Resource[] {
  if (!cluster.system.timeSync) return [];
  return [
    { kind: 'package', name: 'chrony', units: ['chrony.service'], hold: false },
    { kind: 'unit', name: 'chrony.service', enabled: true, state: 'running', inputs: [], requires: ['package:chrony'] },
  ];
}

function kernel({ cluster, host }: StateContext): Resource[] {
  const modules = isNode(host) ? MODULES : [];
  const wanted = { ...(isNode(host) ? { ...NETWORK_SYSCTLS, ...KUBELET_SYSCTLS } : {}), ...cluster.system.sysctls };
  const sysctls = sortedEntries(wanted);
  return [
    ...modules,
    ...(modules.length > 0 ? [file('/etc/modules-load.d/mcpk.conf', lines(modules.map((module) => module.name)))] : []),
    ...sysctls.map(([key, value]) => ({
      kind: 'sysctl' as const,
      key,
      value,
      ...(key.startsWith('net.bridge.') ? { requires: ['kernelModule:br_netfilter' as const] } : {}),
    })),
    ...(sysctls.length > 0 ? [file('/etc/sysctl.d/90-mcpk.conf', lines(sysctls.map(([key, value]) => `${key} = ${value}`)))] : []),
  ];
}

/** Now, and after the next boot. */
function swap(cluster: Cluster): CommandResource[] {
  if (!cluster.system.disableSwap) return [];
  return [
    {
      kind: 'command',
      id: 'swap-off',
      title: 'switch swap off',
      argv: ['swapoff', '-a'],
      onlyif: ['awk', 'NR > 1 { found = 1 } END { exit !found }', '/proc/swaps'],
    },
    {
      kind: 'command',
      id: 'swap-off-at-boot',
      title: 'comment swap out of /etc/fstab',
      argv: ['sed', '-i', '-E', '/^[^#]\\S*\\s+\\S+\\s+swap\\s/s/^/# mcpk: /', '/etc/fstab'],
      onlyif: ['awk', '$1 !~ /^#/ && $3 == "swap" { found = 1 } END { exit !found }', '/etc/fstab'],
    },
  ];
}

function users({ cluster, host }: StateContext): UserResource[] {
  const services = [USERS.apiServer, USERS.controllerManager, USERS.scheduler];
  return [
    ...(host.roles.includes('etcd') ? [user(USERS.etcd, cluster.etcd.dataDirectory)] : []),
    ...(host.roles.includes('master') ? services.map((name) => user(name, '/nonexistent')) : []),
  ];
}

function user(name: string, home: string): UserResource {
  return { kind: 'user', name, group: name, home };
}

/** Folders in which more than one stage lays something; kept here so that none owns another's parent. */
function directories({ cluster, host }: StateContext): DirectoryResource[] {
  const master = host.roles.includes('master');
  return [
    directory(PATHS.kubernetes, FOLDER),
    directory(PATHS.pki, FOLDER),
    ...(host.roles.includes('etcd') ? etcdFolders(cluster) : []),
    ...(master ? masterFolders() : []),
    ...(isNode(host) ? nodeFolders() : []),
  ];
}

function etcdFolders(cluster: Cluster): DirectoryResource[] {
  return [
    directory(PATHS.etcd, folderOf(USERS.etcd)),
    directory(PATHS.etcdPki, folderOf(USERS.etcd)),
    directory(cluster.etcd.dataDirectory, { mode: '0700', owner: USERS.etcd, group: USERS.etcd }),
  ];
}

function masterFolders(): DirectoryResource[] {
  return [
    directory(PATHS.authorities, ROOT_FOLDER),
    directory(PATHS.admin, ROOT_FOLDER),
    directory(PATHS.apiServer, folderOf(USERS.apiServer)),
    directory(PATHS.controllerManager, folderOf(USERS.controllerManager)),
    directory(PATHS.scheduler, folderOf(USERS.scheduler)),
    directory(PATHS.haproxy, FOLDER),
    directory(PATHS.haproxyPki, ROOT_FOLDER),
  ];
}

function nodeFolders(): DirectoryResource[] {
  return [
    directory(PATHS.kubelet, ROOT_FOLDER),
    directory(PATHS.kubeProxy, ROOT_FOLDER),
    directory(PATHS.kubeletData, FOLDER),
    directory(`${PATHS.kubeletData}/pki`, ROOT_FOLDER),
  ];
}

function hostsFile({ cluster }: StateContext): Resource[] {
  if (!cluster.system.manageHostsFile) return [];
  const entries = cluster.hosts.map((host) => `${host.internalAddress} ${host.name}`);
  return [{ ...file('/etc/hosts', lines(entries)), block: 'hosts' }];
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
