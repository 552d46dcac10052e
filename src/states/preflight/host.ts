import { hasHaproxy, hasVip, vipInterface } from '../../cluster/endpoint.ts';
import type { HostFacts } from '../../cluster/facts.ts';
import { isIpv4 } from '../../core/ipv4.ts';
import { linesOf } from '../../core/lines.ts';
import { PATHS } from '../../core/paths.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { Problem } from '../stage.ts';

const GIB = 2 ** 30;
const FAMILIES = ['debian', 'ubuntu'];
const ARCHITECTURES = ['amd64', 'arm64'];

/** What a Kubernetes role takes at the least, before any workload. */
const MEMORY = { master: 1.5 * GIB, other: 0.75 * GIB };
const DISK = { master: 4 * GIB, other: 3 * GIB };

type Found = Omit<Problem, 'host'> | undefined;

/** All that one host can tell by itself. */
export function hostProblems(cluster: Cluster, host: Host, own: HostFacts): Problem[] {
  const found: Found[] = [
    system(own),
    architecture(own),
    hostname(host, own),
    resources('memory', own.memoryBytes, host.roles.includes('master') ? MEMORY.master : MEMORY.other),
    resources('disk space below /var/lib', own.diskFreeBytes, diskNeed(host, own)),
    systemd(own),
    swap(cluster, host, own),
    address(host, own),
    vipSubnet(cluster, host, own),
    foreign(own),
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
  if (own.owned.length > 0) return GIB / 2;
  return host.roles.includes('master') ? DISK.master : DISK.other;
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
  return own.systemd >= 247 ? undefined : { message: `has systemd ${String(own.systemd)}; 247 or newer is needed` };
}

function swap(cluster: Cluster, host: Host, own: HostFacts): Found {
  if (!own.swap || cluster.system.disableSwap || host.kubelet.config['failSwapOn'] === false) return undefined;
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
  if (endpoint.interface !== undefined) {
    if (own.interfaces.some((each) => each.name === endpoint.interface)) return undefined;
    return {
      message: `has no interface ${endpoint.interface}`,
      hint: `It has ${own.interfaces.map((each) => each.name).join(', ')}.`,
    };
  }
  const found = vipInterface({ ...cluster, endpoint }, { ...host, internalAddress: '' }, own);
  if (found !== undefined) return undefined;
  return {
    message: `no interface has a subnet with the VIP ${endpoint.address}`,
    hint: 'Set endpoint.interface if the network routes it there anyway.',
  };
}

function foreign(own: HostFacts): Found {
  if (own.foreign.length === 0) return undefined;
  return {
    message: `has ${own.foreign.join(', ')}, which mcpk did not install`,
    hint: 'Remove it first, or take a fresh host.',
  };
}

/** Into a pod 127.0.0.1 is handed on as it is; there it is CoreDNS, which ends when it finds itself asking itself. */
function nameServers({ addons }: Cluster, host: Host, own: HostFacts): Found {
  const { enabled, forward } = addons.coredns;
  const node = host.roles.includes('master') || host.roles.includes('worker');
  if (!enabled || !node || forward.length > 0 || own.resolved || 'resolvConf' in host.kubelet.config) return undefined;
  const named = [...linesOf(own.files[PATHS.resolvConf] ?? '')].flatMap(
    (line) => /^[ \t]*nameserver[ \t]+(\S+)/.exec(line)?.[1] ?? [],
  );
  if (named.length === 0 || !named.every((each) => /^(127\.|::1$)/.test(each))) return undefined;
  return {
    message: `its ${PATHS.resolvConf} names only ${named.join(', ')}, where a pod finds no name server: CoreDNS would ask itself`,
    hint: 'Set addons.coredns.forward to the name servers behind it, or kubelet.config.resolvConf to a file that names them.',
  };
}

/** What wants to listen here, and the unit that does so once mcpk has been here. */
export function portsOf(cluster: Cluster, host: Host): { port: number; unit: string }[] {
  const master = host.roles.includes('master');
  const node = master || host.roles.includes('worker');
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
  if (own.owned.length > 0) return [];
  const taken = portsOf(cluster, host).filter(({ port }) => own.ports.includes(port));
  return taken.map(({ port, unit }) => ({
    message: `port ${String(port)} is taken, and ${unit.replace('.service', '')} needs it`,
    hint: `ss -ltnp 'sport = :${String(port)}' on the host says by whom.`,
  }));
}
