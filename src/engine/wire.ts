import { createHash } from 'node:crypto';

import type { Observed, PathState, Reads, UnitState } from '../resources/types.ts';
import { moduleName, sysctlKey, sysctlPath } from '../resources/names.ts';
import type { SessionRecord } from '../transport/types.ts';
import { argumentLines, list, relative, splitTexts, SEPARATOR } from './wire-text.ts';

/** Asks for nothing; kinds add to it (`ResourceKind.reads`). */
export function emptyReads(): Reads {
  return {
    paths: [],
    texts: [],
    certificates: [],
    differing: [],
    listings: [],
    binaries: [],
    units: [],
    executables: [],
    packages: [],
    sysctls: [],
    modules: [],
    users: [],
    commands: [],
  };
}

/** The probe's body: one line a list, without doubles. `deep` reads binaries anew instead of trusting the host's memory. */
export function encodeReads(reads: Reads, options: { deep?: boolean } = {}): Buffer {
  const differing = new Map(reads.differing.map(({ path, sha256 }) => [path, `${sha256}  ${relative(path)}`]));
  // probe.sh walks both lists at once: what `differing` names comes first, in the same order.
  const paths = [...differing.keys(), ...new Set(reads.paths.filter((path) => !differing.has(path)))];
  const modules = new Map(
    reads.modules.map((m) => [m.name, `${moduleName(m.name)}:${m.evidence ? relative(m.evidence) : ''}`]),
  );
  const commands = new Map(reads.commands.map((command) => [command.id, command.argv]));
  const lines = [
    `= ${SEPARATOR}`,
    ...(options.deep ? ['D deep'] : []),
    ...list('p', paths.map(relative)),
    ...list('d', [...differing.values()]),
    ...list('t', unique(reads.texts).map(relative)),
    ...list('C', unique(reads.certificates).map(relative)),
    ...list('l', unique(reads.listings).map(relative)),
    ...list('b', unique(reads.binaries).map(relative)),
    ...list('u', unique(reads.units)),
    ...list('X', unique(reads.executables.map(({ unit, paths: of }) => [unit, ...of.map(relative)].join(' ')))),
    ...list('k', unique(reads.packages)),
    ...list(
      's',
      unique(reads.sysctls).map((key) => relative(PROC_SYS + sysctlPath(key))),
    ),
    ...list('m', [...modules.values()]),
    ...list('g', unique(reads.users)),
    ...[...commands].flatMap(([id, argv]) => [`c ${encodeURIComponent(id)}`, ...argv.flatMap(argumentLines), '. ']),
  ];
  return Buffer.from(lines.join('\n') + '\n');
}

/** All that one probe saw. Records of other kinds (facts) are skipped. */
export function decodeObserved(records: readonly SessionRecord[]): Observed {
  const of = (kind: string): string => records.find((record) => record.kind === kind)?.body.toString('utf8') ?? '';
  const paths = decodePaths(of('paths'));
  const bytes = (kind: string): Buffer => records.find((record) => record.kind === kind)?.body ?? Buffer.alloc(0);
  const [settings, texts] = settingsAndTexts(splitTexts(bytes('texts')));
  return {
    paths,
    texts: { ...decodeTexts(texts, paths), ...decodeCertificates(bytes('certificates')) },
    listings: decodeListings(of('listings'), paths),
    binaries: Object.fromEntries([...of('binaries').matchAll(SUM)].map((match) => [absolute(match[2]!), match[1]!])),
    units: decodeUnits(of('units'), of('stamps'), of('executables')),
    packages: decodePackages(of('packages')),
    sysctls: Object.fromEntries(
      settings.map(([path, value]) => [sysctlKey(path.slice(PROC_SYS.length)), value.toString('utf8').trimEnd()]),
    ),
    modules: Object.fromEntries(pairs(of('modules')).map(([name, found]) => [name, found === '1'])),
    users: decodeUsers(of('users'), of('groups')),
    commands: Object.fromEntries(pairs(of('commands')).map(([id, code]) => [decodeURIComponent(id), Number(code)])),
  };
}

const PROC_SYS = '/proc/sys/';
const SUM = /^([0-9a-f]{64}) {2}(.+)$/gm;
/** Name, mode (its first digit the type), access, owner, group, size, ctime, name again with a link's target. */
const PATH =
  /\x1f([^\x1f]*)\x1f([0-9a-f]+)\x1f(\d+)\x1f([^\x1f]*)\x1f([^\x1f]*)\x1f(\d+)\x1f([\d.]+)\x1f([^\x1f]*)\x1f\n/g;
const TYPES: Readonly<Record<string, PathState['type']>> = { '8': 'file', '4': 'directory', a: 'link' };

function decodePaths(text: string): Record<string, PathState> {
  const states: Record<string, PathState> = {};
  for (const [, path, raw, mode, owner, group, size, ctime, named] of text.matchAll(PATH)) {
    const type = TYPES[raw!.slice(0, -3)] ?? 'other';
    states[absolute(path!)] = {
      type,
      mode: mode!.padStart(4, '0'),
      owner: owner!,
      group: group!,
      size: Number(size),
      ctime: Number(ctime),
      ...(type === 'link' ? { target: named!.slice(`${path!} -> `.length) } : {}),
    };
  }
  for (const [, hash, path] of text.slice(text.lastIndexOf(SEPARATOR) + 1).matchAll(SUM)) {
    const state = states[absolute(path!)];
    if (state) state.sha256 = hash!;
  }
  return states;
}

/** Kernel settings are read with the texts. */
function settingsAndTexts(read: ReadonlyMap<string, Buffer>): [[string, Buffer][], [string, Buffer][]] {
  const { settings = [], texts = [] } = Object.groupBy(read, ([path]) =>
    path.startsWith(PROC_SYS) ? 'settings' : 'texts',
  );
  return [settings, texts];
}

/** The shell drops NUL bytes: a text whose hash is not the file's is a binary, and no text. */
function decodeTexts(read: [string, Buffer][], paths: Record<string, PathState>): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [path, bytes] of read) {
    const hash = paths[path]?.sha256;
    if (hash === undefined || hash === createHash('sha256').update(bytes).digest('hex'))
      texts[path] = bytes.toString('utf8');
  }
  return texts;
}

function decodeCertificates(raw: Buffer): Record<string, string> {
  return Object.fromEntries([...splitTexts(raw)].map(([path, text]) => [path, text.toString('utf8')]));
}

function decodeListings(text: string, paths: Record<string, PathState>): Record<string, string[]> {
  const listings: Record<string, string[]> = {};
  for (const [path, state] of Object.entries(paths)) if (state.type === 'directory') listings[path] = [];
  for (const entry of text.split(SEPARATOR + SEPARATOR)) {
    const [directory, name] = entry.split(SEPARATOR);
    if (directory && name) (listings[absolute(directory)] ??= []).push(name);
  }
  return listings;
}

function decodeUnits(text: string, stamps: string, others: string): Record<string, UnitState> {
  const stampOf = new Map(pairs(stamps));
  const runsOther = new Set(lines(others));
  const units: Record<string, UnitState> = {};
  for (const block of text.split(/\n\n+/)) {
    const of = Object.fromEntries(block.split('\n').map((line) => cut(line, '=')));
    if (!of.Id) continue;
    const [restart, reload, invocationId] = (stampOf.get(of.Id) ?? '').split(' ');
    units[of.Id] = {
      loadState: of.LoadState ?? '',
      activeState: of.ActiveState ?? '',
      subState: of.SubState ?? '',
      unitFileState: of.UnitFileState ?? '',
      needDaemonReload: of.NeedDaemonReload === 'yes',
      invocationId: of.InvocationID ?? '',
      // A reload leaves the main process's start alone, which is what its inputs were read at.
      startedAt: seconds(of.ExecMainStartTimestamp) || seconds(of.ActiveEnterTimestamp),
      restarts: Number(of.NRestarts ?? 0) || 0,
      fragmentPath: of.FragmentPath ?? '',
      dropIns: (of.DropInPaths ?? '').split(' ').filter(Boolean),
      ...(runsOther.has(of.Id) ? { runsOther: true as const } : {}),
      ...(restart && reload && invocationId ? { stamp: { restart, reload, invocationId } } : {}),
    };
  }
  return units;
}

/** `Tue 2026-01-06 10:00:00.123456 UTC` → seconds since the epoch, with µs. */
function seconds(timestamp: string | undefined): number {
  const match = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?/.exec(timestamp ?? '');
  return match ? Date.parse(`${match[1]}T${match[2]}Z`) / 1000 + Number(match[3] ?? 0) : 0;
}

function decodePackages(text: string): Observed['packages'] {
  const packages: Observed['packages'] = {};
  for (const line of text.split('\n')) {
    const [name, want, status, version = ''] = line.split(' ');
    if (name && status && status !== 'not-installed') packages[name] = { version, status, held: want === 'hold' };
  }
  return packages;
}

function decodeUsers(passwd: string, groups: string): Observed['users'] {
  const names = new Map(
    groups
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name = '', , id = '']) => [id, name]),
  );
  const users: Observed['users'] = {};
  for (const line of passwd.split('\n')) {
    const [name, , , gid = '', , home = '', shell = ''] = line.split(':');
    if (name) users[name] = { group: names.get(gid) ?? gid, home, shell };
  }
  return users;
}

function pairs(text: string): [string, string][] {
  return lines(text).map((line) => cut(line, ' '));
}

function lines(text: string): string[] {
  return text.split('\n').filter(Boolean);
}

function cut(line: string, at: string): [string, string] {
  const index = line.indexOf(at);
  return index < 0 ? [line, ''] : [line.slice(0, index), line.slice(index + at.length)];
}

function absolute(path: string): string {
  return path.slice(1);
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
