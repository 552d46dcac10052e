import { USERS } from '../core/paths.ts';
import type { Cluster } from '../inventory/types.ts';
import type { CommandResource, PackageResource, Resource, UserResource } from '../resources/types.ts';
import { file, lines } from './build.ts';
import { proxyMode } from './kube-proxy/configuration.ts';
import { isNode } from './node-rollout.ts';
import type { Stage, StateContext } from './stage.ts';
import { directories } from './system/folders.ts';
import { kernel, sysctlProblems } from './system/kernel.ts';

/** What later stages and gates call: `socat` asks sockets, `conntrack` and `ethtool` are kubelet's and kube-proxy's. */
const BASE_PACKAGES = ['ca-certificates', 'conntrack', 'ethtool', 'iproute2', 'kmod', 'nftables', 'socat'];

export const system: Stage = {
  name: 'system',
  title: 'Base system',
  about: 'packages, kernel modules and settings, swap, time, users, folders, the names in /etc/hosts',
  hosts: (cluster) => cluster.hosts,
  needs: ['preflight'],
  problems: (cluster, facts) =>
    cluster.hosts.flatMap((host) => {
      const own = facts.hosts.get(host.name);
      return own ? sysctlProblems(cluster, host, own) : [];
    }),
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

function packages({ cluster, host }: StateContext): PackageResource[] {
  const mode = proxyMode(cluster, host);
  const proxied = isNode(host) && (mode !== 'nftables' || cluster.network.plugin === 'calico');
  const names = [
    ...BASE_PACKAGES,
    ...(proxied ? ['iptables', 'ipset'] : []),
    ...(isNode(host) && mode === 'ipvs' ? ['ipvsadm'] : []),
    ...cluster.system.packages,
  ];
  // nftables' unit would flush the rules of kube-proxy when it starts: masked while dpkg runs, and never started by us.
  return [...new Set(names)]
    .sort()
    .map((name) => ({ kind: 'package', name, units: name === 'nftables' ? ['nftables.service'] : [], hold: false }));
}

function timeSync(cluster: Cluster): Resource[] {
  if (!cluster.system.timeSync) return [];
  return [
    { kind: 'package', name: 'chrony', units: ['chrony.service'], hold: false, replaces: ['systemd-timesyncd'] },
    { kind: 'unit', name: 'chrony.service', enabled: true, state: 'running', inputs: [], requires: ['package:chrony'] },
  ];
}

/** An entry of fstab, for sed and for us: what, where, of which type. */
const SWAP_ENTRY = '^[^#]\\S*\\s+\\S+\\s+swap(\\s|$)';

/** Now, and what fstab names after the next boot; whatever else comes up then goes before the kubelet starts (its unit). */
function swap(cluster: Cluster): CommandResource[] {
  if (!cluster.system.disableSwap) return [];
  return [
    {
      kind: 'command',
      id: 'swap-off',
      title: 'switch swap off',
      argv: ['swapoff', '-a'],
      // Below the line of titles, each begins with a path.
      onlyif: { file: '/proc/swaps', line: '^/' },
    },
    {
      kind: 'command',
      id: 'swap-off-at-boot',
      title: 'comment swap out of /etc/fstab',
      argv: ['sed', '-i', '-E', `/${SWAP_ENTRY}/s/^/# mcpk: /`, '/etc/fstab'],
      onlyif: { file: '/etc/fstab', line: SWAP_ENTRY },
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

function hostsFile({ cluster }: StateContext): Resource[] {
  if (!cluster.system.manageHostsFile) return [];
  const entries = cluster.hosts.map((host) => `${host.internalAddress} ${host.name}`);
  return [{ ...file('/etc/hosts', lines(entries)), block: 'hosts' }];
}
