import { basename } from 'node:path/posix';
import type { HostFacts } from '../../cluster/facts.ts';
import { isNew } from '../../cluster/laid.ts';
import { NODE_MODULES } from '../../core/kernel-modules.ts';
import { isIpv4 } from '../../core/ipv4.ts';
import { cut, linesOf } from '../../core/lines.ts';
import { PATHS } from '../../core/paths.ts';
import { ROUTE_PROTOCOL } from '../../core/routes.ts';
import { SERVICES, versionSaid, type Service } from '../../core/services.ts';
import { SYSCTL_FILES } from '../../core/sysctls.ts';
import { atOnce } from '../../core/turns.ts';
import type { SessionRecord } from '../../transport/types.ts';
import { parseOwned } from '../plan/owned.ts';
import { moduleEntries } from './wire.ts';
import { decodeKept, RUNS_BY } from './wire-kept.ts';
import { PROBE_TAGS } from './wire-tags.ts';
import { bodyOf, list, relative, SEPARATOR, splitTexts, tagged } from './wire-text.ts';

export interface FactsRequest {
  /** Folder of etcd's write-ahead log: with a log in it there is data that must not be lost. */
  etcdLog: string;
  /** Where containerd keeps images, an absolute path; its own folder unless given. */
  containerdRoot?: string;
}

export interface FactsReception {
  host: string;
  /** The VIP is left out of the interfaces. */
  vip?: string;
  /** As it was asked for. */
  containerdRoot?: string;
  /** Our clock (ms) when the request left, and when the last byte of the answer was there. */
  sentAt: number;
  receivedAt: number;
}

const NFTABLES = '/etc/nftables.conf';
/** Asked for, beside those that probe.sh reads by itself: /etc/os-release, /proc/meminfo, /proc/swaps. */
const ASKED_FILES = [
  PATHS.owned,
  PATHS.unfinished,
  PATHS.clusterRecord,
  PATHS.etcdConfig,
  PATHS.restoring,
  PATHS.resolvConf,
  PATHS.resolvedConf,
  NFTABLES,
  ...RUNS_BY,
];

/** Folders whose filesystem is asked for: of one that is not there yet, that of a folder above. */
function foldersAsked(containerdRoot = '/var/lib/containerd'): string[] {
  const parts = containerdRoot.split('/');
  const above = parts.map((_, index) => parts.slice(0, index + 1).join('/') || '/');
  // /var/lib is there on each host.
  const needed = containerdRoot.startsWith('/var/lib/') ? above.filter((path) => path.startsWith('/var/lib')) : above;
  return [...new Set(['/var/lib', '/var/lib/kubelet', ...needed])];
}

/** A probe body that asks a host about itself; may be joined with {@link encodeReads}'s. */
export function encodeFacts(request: FactsRequest): Buffer {
  const lines = [
    tagged(PROBE_TAGS.separator, SEPARATOR),
    ...list(PROBE_TAGS.modules, moduleEntries(NODE_MODULES)),
    ...list(PROBE_TAGS.facts, ASKED_FILES.map(relative)),
    tagged(PROBE_TAGS.etcdLog, relative(request.etcdLog)),
    ...list(PROBE_TAGS.disks, foldersAsked(request.containerdRoot).map(relative)),
    ...list(PROBE_TAGS.services, SERVICES),
  ];
  return Buffer.from(lines.join('\n') + '\n');
}

/**
 * Throws `refused` when owned.json can't be read, and Error when the answer is not whole: a list that is missing must
 * not be taken for an empty one.
 */
export function decodeFacts(records: readonly SessionRecord[], reception: FactsReception): HostFacts {
  return atOnce(decodingFacts(records, reception));
}

/** {@link decodeFacts} in pieces, for `inTurns`. */
export function* decodingFacts(
  records: readonly SessionRecord[],
  reception: FactsReception,
): Generator<undefined, HostFacts> {
  const of = function* (kind: string): Generator<undefined, string> {
    return (yield* bodyOf(records, kind)).toString('utf8');
  };
  const texts = splitTexts(yield* bodyOf(records, 'texts'), [...OWN_FILES, ...ASKED_FILES]);
  const text = (path: string): string => texts.get(path)?.toString('utf8') ?? '';
  const missing = RECORDS.find((kind) => !records.some((record) => record.kind === kind));
  if (missing !== undefined) throw new Error(`no ${missing}`);
  if (text('/proc/meminfo') === '') throw new Error('no text of any file');
  const facts = keyed(yield* of('facts'));
  const one = (key: string): string => facts.get(key)?.[0] ?? '';
  const network = yield* of('network');
  const addresses = interfaces(network);
  const filesystems = new Map(
    [...linesOf(yield* of('filesystems'))].map((line) => {
      const [path = '', ...figures] = line.split(' ', 7);
      return [path, figures];
    }),
  );
  const disks = foldersAsked(reception.containerdRoot).flatMap((path) => {
    const figures = filesystems.get(relative(path));
    return figures ? [diskOf(path, figures.map(Number))] : [];
  });
  const owned = parseOwned(text(PATHS.owned), reception.host);
  const ports = portsOf(yield* of('ports'));
  // sshd at least has one. With no port at all each service would count as not started yet, and all would restart at
  // once.
  if (!isNew({ owned }) && ports.length === 0) throw new Error('no listening port');
  const missingModules = missingOf(yield* of('modules'));
  const files = [...texts]
    .filter(([path]) => !OWN_FILES.has(path))
    .map(([path, bytes]): [string, string] => [path, bytes.toString('utf8')]);
  return {
    os: osRelease(text('/etc/os-release')),
    arch: ARCHITECTURES[one('arch')] ?? one('arch'),
    kernel: one('kernel'),
    hostname: one('hostname'),
    machineId: one('machine-id'),
    interfaces: addresses.map((i) => ({ ...i, addresses: i.addresses.filter((a) => a.address !== reception.vip) })),
    routesPodGateway: routesPodGateway(network),
    hasDefaultRoute: hasDefaultRoute(network),
    routes: routesOf(facts.get('route') ?? []),
    holdsVip: addresses.some((i) => i.addresses.some((a) => a.address === reception.vip)),
    memoryBytes: memoryOf(text('/proc/meminfo')),
    cpus: countOf(one('cpus')),
    diskFreeBytes: disks.find(({ path }) => path === '/var/lib')?.freeBytes ?? 0,
    filesystems: disks,
    cgroup: filesystems.get('./sys/fs/cgroup')?.[0] === 'cgroup2fs' ? 2 : 1,
    clockSkewMs: skewOf(Number(yield* of('clock')) / 1e6, reception),
    swap: [...linesOf(text('/proc/swaps'))].length > 1,
    systemd: Number(/^\d+/.exec(one('systemd'))?.[0] ?? 0),
    resolved: one('resolved') === '1',
    packageManager: facts.get('tool')?.length === 2 ? 'apt' : 'none',
    ports,
    runs: runsOf(facts.get('runs') ?? []),
    foreign: facts.get('foreign') ?? [],
    missingModules,
    rivals: facts.get('rival') ?? [],
    flushesRules: one('nftables') === '1' && /^[ \t]*flush[ \t]+ruleset\b/m.test(text(NFTABLES)),
    laterSysctls: laterSysctls(facts.get('sysctl') ?? []),
    owned,
    unfinished: texts.has(PATHS.unfinished),
    files: Object.fromEntries(files),
    etcdData: one('etcd-data') === '1',
    ...decodeKept(text),
    cniFiles: facts.get('cni') ?? [],
  };
}

type Disk = HostFacts['filesystems'][number];

/**
 * The host looked at its clock (ms) at some time between our sending and our having the answer, and there is no telling
 * when: only what lies outside is another time than ours.
 */
function skewOf(clock: number, { sentAt, receivedAt }: FactsReception): number {
  return Math.round(clock < sentAt ? clock - sentAt : Math.max(0, clock - receivedAt));
}

/** Sent whatever there is to tell. */
const RECORDS = ['texts', 'facts', 'network', 'filesystems', 'ports', 'clock'];
/** Looked at here alone; the texts of all other files are facts themselves (`files`). */
const OWN_FILES: ReadonlySet<string> = new Set([
  '/etc/os-release',
  '/proc/meminfo',
  '/proc/swaps',
  PATHS.owned,
  PATHS.unfinished,
  NFTABLES,
  ...RUNS_BY,
]);
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

/** Of the text of /etc/os-release. */
export function osRelease(text: string): HostFacts['os'] {
  const of = keyed(text);
  const value = (key: string): string => (of.get(key)?.[0] ?? '').replace(/^(["'])(.*)\1$/, '$2');
  const like = value('ID_LIKE').split(' ').filter(Boolean);
  return { id: value('ID'), version: value('VERSION_ID'), name: value('PRETTY_NAME'), like };
}

/**
 * Lines of `ip -o -4 addr`: `2: eth0    inet 10.77.0.11/24 brd … scope global eth0`, and of `ip -o link`:
 * `2: eth0@if5: <BROADCAST,…> mtu 1500 …`. Loopback is left out.
 */
function interfaces(text: string): HostFacts['interfaces'] {
  const mtuOf = new Map<string, number>();
  const found = new Map<string, HostFacts['interfaces'][number]>();
  for (const line of linesOf(text)) {
    const [, device = '', family, address = '', ...more] = words(line);
    // `eth0.5@eth0`: the second is what it stands on. Behind `peer` stands the other end, with the prefix.
    const [name] = cut(cut(device, '@')[0], ':');
    if (address === 'mtu') mtuOf.set(name, Number(more[0]) || 0);
    const [, prefix] = cut(more[0] === 'peer' ? (more[1] ?? '') : address, '/');
    const [own] = cut(address, '/');
    if (name === '' || name === 'lo' || family !== 'inet' || !isIpv4(own) || !/^\d{1,2}$/.test(prefix)) continue;
    const entry = found.get(name) ?? { name, addresses: [], mtu: 0 };
    entry.addresses.push({ address: own, prefix: Number(prefix) });
    found.set(name, entry);
  }
  return [...found.values()].map((each) => ({ ...each, mtu: mtuOf.get(each.name) ?? 0 }));
}

const NO_WAY = /^(unreachable|blackhole|prohibit|throw) /;

/** Whether one of the routes to 169.254.1.1 is not ours: `default via 10.77.0.1 dev eth0 proto static`. */
function routesPodGateway(text: string): boolean {
  for (const line of linesOf(text)) {
    const isRoute = !/^\d+: /.test(line) && !NO_WAY.test(line);
    if (isRoute && !line.includes(` proto ${ROUTE_PROTOCOL} `)) return true;
  }
  return false;
}

/** Of the same lines; `unreachable default` is none. */
function hasDefaultRoute(text: string): boolean {
  for (const line of linesOf(text)) if (line.startsWith('default ')) return true;
  return false;
}

/** Lines of `ip -o -4 route`: `10.1.0.0/16 via 10.77.0.254 dev eth0 proto static`, `10.1.0.5 dev wg0 scope link`. */
function routesOf(lines: readonly string[]): HostFacts['routes'] {
  return lines.slice(0, MOST_ROUTES).flatMap((line) => {
    const all = line.slice(0, LONGEST_LINE).split(' ', 20);
    const [to = ''] = all;
    const after = (word: string): string => (all.includes(word) ? (all[all.indexOf(word) + 1] ?? '') : '');
    if (!isIpv4(cut(to, '/')[0]) || ['kernel', ROUTE_PROTOCOL].includes(after('proto'))) return [];
    return [{ to: to.includes('/') ? to : `${to}/32`, dev: after('dev') }];
  });
}

/** Lines `overlay 1`; `-` in place of the number is a module that can't be loaded either. */
function missingOf(text: string): string[] {
  const ofOurs = new Map(NODE_MODULES.map(({ name }) => [`${name} -`, name]));
  const missing = new Set<string>();
  for (const line of linesOf(text)) {
    const name = ofOurs.get(line);
    if (name !== undefined) missing.add(name);
  }
  return [...missing];
}

/** `MemTotal:       16331428 kB` */
function memoryOf(text: string): number {
  for (const line of linesOf(text)) {
    const [name, kilobytes] = words(line);
    if (name === 'MemTotal:') return Number(kilobytes) * 1024 || 0;
  }
  return 0;
}

/** What `stat -f` says behind the path: type, blocks for users, their size, all blocks, free inodes, all inodes. */
function diskOf(path: string, [, free = 0, size = 0, all = 0, freeInodes = 0, inodes = 0]: readonly number[]): Disk {
  return { path, freeBytes: free * size, totalBytes: all * size, freeInodes, inodes };
}

/** The kernel's list of numbers: `0-3,6` are five. */
function countOf(list: string): number {
  return list.split(',').reduce((sum, range) => {
    const [first = NaN, last = first] = range.split('-', 2).map(Number);
    return sum + (last - first + 1);
  }, 0);
}

/** Lines of `ss -Hltn`: `LISTEN 0 4096 127.0.0.1:2381 0.0.0.0:*`. */
function portsOf(text: string): number[] {
  const ports = new Set<number>();
  for (const line of linesOf(text)) {
    const local = words(line)[3] ?? '';
    const port = local.slice(local.lastIndexOf(':') + 1);
    if (/^\d{1,5}$/.test(port)) ports.add(Number(port));
  }
  return [...ports].sort((a, b) => a - b);
}

/** `/etc/sysctl.d/zzz.conf:-net.ipv4.ip_forward = 0`; systemd-sysctl goes by the names of files, wherever they lie. */
function laterSysctls(lines: readonly string[]): HostFacts['laterSysctls'] {
  const own = basename(SYSCTL_FILES.node);
  return lines.slice(0, MOST_SYSCTLS).flatMap((line) => {
    const [file, setting] = cut(line.slice(0, LONGEST_LINE), ':');
    const [key, value] = cut(setting, '=');
    if (basename(file) <= own || value === '' || /^\s*[#;]/.test(key)) return [];
    return [{ file, key: key.trim().replace(/^-/, ''), value: value.trim() }];
  });
}

/** `kubelet Kubernetes v1.37.1`, `containerd containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b71`. */
function runsOf(lines: readonly string[]): HostFacts['runs'] {
  const found = lines.slice(0, SERVICES.length).flatMap((line): [Service, string][] => {
    const [name, said] = cut(line.slice(0, LONGEST_LINE), ' ');
    const service = SERVICES.find((each) => each === name);
    const version = versionSaid(said);
    return service === undefined || version === undefined ? [] : [[service, version]];
  });
  return Object.fromEntries(found);
}

function keyed(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const line of linesOf(text)) {
    const [key, value] = cut(line, '=');
    if (key === '' || key === line) continue;
    const known = values.get(key);
    if (known) known.push(value);
    else values.set(key, [value]);
  }
  return values;
}

/** The first words of a line; blanks before and between them do not count. */
function words(line: string): string[] {
  return line
    .slice(0, LONGEST_LINE)
    .split(/[ \t]+/)
    .filter(Boolean)
    .slice(0, MOST_WORDS);
}

/** Of what `ip`, `ss` and the kernel print; what is longer is none of theirs. */
const LONGEST_LINE = 1024;
const MOST_WORDS = 8;
const MOST_SYSCTLS = 1000;
const MOST_ROUTES = 10_000;
