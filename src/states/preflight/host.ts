import { hasHaproxy, hasVip, namedVipInterface, vipInterface } from '../../cluster/endpoint.ts';
import type { HostFacts } from '../../cluster/facts.ts';
import { isNew } from '../../cluster/laid.ts';
import { ARCHITECTURES } from '../../core/architectures.ts';
import { isIpv4 } from '../../core/ipv4.ts';
import { kubeletSetting } from '../../core/kubelet-setting.ts';
import { linesOf } from '../../core/lines.ts';
import { PATHS } from '../../core/paths.ts';
import { isOfUpstream } from '../../core/upstream-runtime.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { evictionProblems } from './eviction.ts';
import { isNode } from '../node-rollout.ts';
import type { Problem } from '../stage.ts';

const GIB = 2 ** 30;
const FAMILIES = ['debian', 'ubuntu'];

/** What a Kubernetes role takes at the least, before any workload, in bytes; `disk` is free below /var/lib on a bare host. */
export const LEAST = {
  memory: { master: 1.5 * GIB, other: 0.75 * GIB },
  disk: { master: 4 * GIB, other: 3 * GIB },
};

type Found = Omit<Problem, 'host'> | undefined;

/** All that one host can tell by itself. */
export function hostProblems(cluster: Cluster, host: Host, own: HostFacts): Problem[] {
  const found: Found[] = [
    system(own),
    architecture(own),
    hostname(host, own),
    resources('memory', own.memoryBytes, LEAST.memory[host.roles.includes('master') ? 'master' : 'other']),
    resources('disk space below /var/lib', own.diskFreeBytes, diskNeed(host, own)),
    ...evictionProblems(cluster, host, own),
    systemd(own),
    swap(cluster, host, own),
    address(host, own),
    vipSubnet(cluster, host, own),
    foreign(own),
    ...rivals(cluster, host, own),
    modules(host, own),
    flushing(host, own),
    nameServers(cluster, host, own),
    ...ports(cluster, host, own),
  ];
  return found.filter((each) => each !== undefined).map((each) => ({ host: host.name, ...each }));
}

function system(own: HostFacts): Found {
  const { id, like, name, version } = own.os;
  if (FAMILIES.includes(id) && own.packageManager === 'apt') return undefined;
  const kin = like.some((each) => FAMILIES.includes(each)) ? ' (a derivative)' : '';
  return { message: `runs ${name || `${id} ${version}`}${kin}`, hint: 'mcpk supports Debian and Ubuntu.' };
}

function architecture(own: HostFacts): Found {
  if (ARCHITECTURES.includes(own.arch)) return undefined;
  return {
    message: `has the architecture ${own.arch}`,
    hint: `Binaries are there for ${ARCHITECTURES.join(' and ')}.`,
  };
}

/** kubelet, etcd and certificates go by the inventory's name; another host name mostly means the wrong machine. */
function hostname(host: Host, own: HostFacts): Found {
  if (own.hostname === host.name || own.hostname.split('.')[0] === host.name.split('.')[0]) return undefined;
  return {
    message: `calls itself ${own.hostname}`,
    hint: `Is ${host.address} the right machine? If so: hostnamectl set-hostname ${host.name}`,
  };
}

/** A host that is set up needs no room for the binaries that it has. */
function diskNeed(host: Host, own: HostFacts): number {
  if (!isNew(own)) return GIB / 2;
  return LEAST.disk[host.roles.includes('master') ? 'master' : 'other'];
}

function resources(what: string, bytes: number, wanted: number): Found {
  if (bytes >= wanted) return undefined;
  return { message: `has ${gib(bytes)} GiB of ${what}; ${gib(wanted)} GiB are needed` };
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(1);
}

/** The probe asks `systemctl show --timestamp=…`, which came with 247. */
function systemd(own: HostFacts): Found {
  if (own.systemd === 0)
    return {
      message: 'is not run by systemd, which mcpk starts all services with',
      hint: 'A container needs systemd as its first process (/sbin/init).',
    };
  return own.systemd >= 247 ? undefined : { message: `has systemd ${String(own.systemd)}; 247 or newer is needed` };
}

function swap(cluster: Cluster, host: Host, own: HostFacts): Found {
  if (!own.swap || cluster.system.disableSwap || kubeletSetting(host.kubelet, 'failSwapOn') === false) return undefined;
  return {
    message: 'has swap, on which the kubelet does not start',
    hint: 'Set system.disableSwap, or kubelet.config.failSwapOn: false.',
  };
}

/** A certificate for an address that is not the host's would fail much later, and less clearly. */
function address(host: Host, own: HostFacts): Found {
  const all = own.interfaces.flatMap((each) => each.addresses.map((one) => one.address));
  if (!isIpv4(host.internalAddress) || all.length === 0 || all.includes(host.internalAddress)) return undefined;
  return {
    message: `does not have its internalAddress ${host.internalAddress}; it has ${all.filter((each) => each !== '127.0.0.1').join(', ')}`,
    hint: `See ${host.source}.`,
  };
}

function vipSubnet(cluster: Cluster, host: Host, own: HostFacts): Found {
  const { endpoint } = cluster;
  if (!hasVip(cluster) || !host.roles.includes('master')) return undefined;
  const named = namedVipInterface(cluster, host);
  if (named !== undefined) {
    if (own.interfaces.some((each) => each.name === named)) return undefined;
    return {
      message: `has no interface ${named}`,
      hint: `It has ${own.interfaces.map((each) => each.name).join(', ')}.`,
    };
  }
  const found = vipInterface(cluster, { ...host, internalAddress: '' }, own);
  if (found !== undefined) return undefined;
  return {
    message: `no interface has a subnet with the VIP ${endpoint.address}`,
    hint: 'Set endpoint.interface, or vipInterface of the host, if the network routes it there anyway.',
  };
}

function foreign(own: HostFacts): Found {
  if (own.foreign.length === 0) return undefined;
  return {
    message: `has ${own.foreign.join(', ')}, which mcpk did not install`,
    hint: 'Remove it first, or take a fresh host.',
  };
}

const TIME_DAEMONS = ['ntp', 'ntpsec', 'openntpd'];

/** apt can't have both, and is not let to take these off. */
function rivals(cluster: Cluster, host: Host, { rivals }: HostFacts): Found[] {
  return rivals.map((name) => {
    if (!TIME_DAEMONS.includes(name))
      return isNode(host)
        ? {
            message: `has the package ${name}, beside which ${isOfUpstream(cluster) ? 'another containerd would share its unit and its folders' : "containerd and runc of the distribution can't be installed"}`,
            hint: `Remove it and what depends on it (apt-get remove ${name}), or take a fresh host.`,
          }
        : undefined;
    return cluster.system.timeSync
      ? {
          message: `has the package ${name}, beside which chrony can't be installed`,
          hint: `Remove it (apt-get remove ${name}), or keep it with system.timeSync: false.`,
        }
      : undefined;
  });
}

function modules(host: Host, { missingModules, kernel }: HostFacts): Found {
  if (missingModules.length === 0 || !isNode(host)) return undefined;
  return {
    message: `its running kernel ${kernel} neither has nor can load ${missingModules.join(', ')}`,
    hint: 'Boot it, if its kernel was upgraded since; else install the package with the modules of this kernel (linux-modules-extra).',
  };
}

/** mcpk's own rules are laid again at once (host-routes.ts), kube-proxy's and Calico's when those look the next time. */
function flushing(host: Host, own: HostFacts): Found {
  if (!own.flushesRules || !isNode(host)) return undefined;
  return {
    code: 'warning',
    message:
      'its nftables.service flushes all rules when it starts, reloads or stops (flush ruleset in /etc/nftables.conf): services are not reached until kube-proxy and the network have laid theirs again',
    hint: 'Let that file flush tables of its own alone: flush table inet filter.',
  };
}

export function nameServersOf(own: HostFacts, path: string): string[] {
  return [...linesOf(own.files[path] ?? '')].flatMap((line) => /^[ \t]*nameserver[ \t]+(\S+)/.exec(line)?.[1] ?? []);
}

/** Into a pod 127.0.0.1 is handed on as it is; there it is CoreDNS, which ends when it finds itself asking itself. */
function nameServers({ addons }: Cluster, host: Host, own: HostFacts): Found {
  const { enabled, forward } = addons.coredns;
  const elsewhere = kubeletSetting(host.kubelet, 'resolvConf') !== undefined;
  if (!enabled || !isNode(host) || forward.length > 0 || own.resolved || elsewhere) return undefined;
  const named = nameServersOf(own, PATHS.resolvConf);
  if (named.length === 0 || !named.every((each) => /^(127\.|::1$)/.test(each))) return undefined;
  return {
    message: `its ${PATHS.resolvConf} names only ${named.join(', ')}, where a pod finds no name server: CoreDNS would ask itself`,
    hint: 'Set addons.coredns.forward to the name servers behind it, or kubelet.config.resolvConf to a file that names them.',
  };
}

/** What wants to listen here, and the unit that does so once mcpk has been here. */
export function portsOf(cluster: Cluster, host: Host): { port: number; unit: string }[] {
  const master = host.roles.includes('master');
  const node = isNode(host);
  const when = (wanted: boolean, unit: string, all: readonly number[]): { port: number; unit: string }[] =>
    wanted ? all.map((port) => ({ port, unit })) : [];
  return [
    ...when(host.roles.includes('etcd'), 'etcd.service', [2379, 2380, 2381]),
    ...when(master, 'kube-apiserver.service', [cluster.apiServer.port]),
    ...when(master, 'kube-controller-manager.service', [10257]),
    ...when(master, 'kube-scheduler.service', [10259]),
    ...when(master && hasHaproxy(cluster), 'haproxy.service', [cluster.endpoint.port]),
    ...when(node, 'kubelet.service', [10248, 10250]),
    ...when(node && cluster.kubeProxy.enabled, 'kube-proxy.service', [10249, 10256]),
  ];
}

function ports(cluster: Cluster, host: Host, own: HostFacts): Found[] {
  // A run that ended early may have started a unit and not written it down: any trace of mcpk counts.
  if (!isNew(own)) return [];
  const taken = portsOf(cluster, host).filter(({ port }) => own.ports.includes(port));
  return taken.map(({ port, unit }) => ({
    message: `port ${String(port)} is taken, and ${unit.replace('.service', '')} needs it`,
    hint: `ss -ltnp 'sport = :${String(port)}' on the host says by whom.`,
  }));
}
