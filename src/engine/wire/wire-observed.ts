import { cut, linesOf } from '../../core/lines.ts';
import type { Observed, PathState } from '../../resources/types.ts';
import { SEPARATOR } from './wire-text.ts';

type Asked = ReadonlySet<string>;

/** A record without a prototype: a host's words become its keys. */
export function bare<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/** The name, if it was asked about. */
export function known(name: string, asked: Asked): string {
  if (!asked.has(name)) throw new Error(`an answer about ${JSON.stringify(name.slice(0, 100))}, which was not asked`);
  return name;
}

const SUM = /^([0-9a-f]{64}) {2}(.+)$/;
/** Name, mode (its first digit the type), access, owner, group, size, ctime, name again with a link's target. */
const PATH =
  /\x1f([^\x1f]*)\x1f([0-9a-f]+)\x1f(\d+)\x1f([^\x1f]*)\x1f([^\x1f]*)\x1f(\d+)\x1f([\d.]+)\x1f([^\x1f]*)\x1f\n/g;
const TYPES: ReadonlyMap<string, PathState['type']> = new Map([
  ['8', 'file'],
  ['4', 'directory'],
  ['a', 'link'],
]);

export function decodePaths(text: string, asked: Asked): Observed['paths'] {
  const states = bare<PathState>();
  for (const [, path, raw, mode, owner, group, size, ctime, named] of text.matchAll(PATH)) {
    const type = TYPES.get(raw!.slice(0, -3)) ?? 'other';
    states[known(absolute(path!), asked)] = {
      type,
      mode: mode!.padStart(4, '0'),
      owner: owner!,
      group: group!,
      size: Number(size),
      ctime: Number(ctime),
      ...(type === 'link' ? { target: named!.slice(`${path!} -> `.length) } : {}),
    };
  }
  const sums = decodeSums(text.slice(text.lastIndexOf(SEPARATOR) + 1), asked);
  for (const [path, hash] of Object.entries(sums)) if (states[path]) states[path].sha256 = hash;
  return states;
}

/** Lines of sha256sum, by path. */
export function decodeSums(text: string, asked: Asked): Record<string, string> {
  const sums = bare<string>();
  for (const line of linesOf(text)) {
    const [, hash, path] = SUM.exec(line) ?? [];
    if (hash !== undefined && path !== undefined) sums[known(absolute(path), asked)] = hash;
  }
  return sums;
}

/** Path → names in it; of an empty directory, an empty list. */
export function decodeListings(text: string, asked: readonly string[], paths: Observed['paths']): Observed['listings'] {
  const listings = bare<string[]>();
  const names = new Set(asked);
  for (const [path, state] of Object.entries(paths)) if (state.type === 'directory') listings[path] = [];
  for (const entry of text.split(SEPARATOR + SEPARATOR)) {
    const [directory, name] = entry.split(SEPARATOR, 2);
    if (directory && name) (listings[known(absolute(directory), names)] ??= []).push(name);
  }
  return listings;
}

/** A unit that was asked by an alias is told under its own name, which nobody asked for, and is left out. */
export function decodeUnits(
  { shown, stamps, others }: { shown: string; stamps: string; others: string },
  asked: Asked,
): Observed['units'] {
  const stampOf = new Map([...linesOf(stamps)].map((line) => cut(line, ' ')));
  const runsOther = new Set(linesOf(others));
  const units: Observed['units'] = bare();
  for (const of of blocksOf(shown)) {
    const value = (name: string): string => of.get(name) ?? '';
    const id = value('Id');
    if (!asked.has(id)) continue;
    const [restart, reload, invocationId] = (stampOf.get(id) ?? '').split(' ', 3);
    units[id] = {
      loadState: value('LoadState'),
      activeState: value('ActiveState'),
      subState: value('SubState'),
      unitFileState: value('UnitFileState'),
      needDaemonReload: value('NeedDaemonReload') === 'yes',
      invocationId: value('InvocationID'),
      // A reload leaves the main process's start alone, which is what its inputs were read at.
      startedAt: seconds(value('ExecMainStartTimestamp')) || seconds(value('ActiveEnterTimestamp')),
      restarts: Number(value('NRestarts')) || 0,
      fragmentPath: value('FragmentPath'),
      dropIns: value('DropInPaths').split(' ').filter(Boolean),
      ...(runsOther.has(id) ? { runsOther: true as const } : {}),
      ...(restart && reload && invocationId ? { stamp: { restart, reload, invocationId } } : {}),
    };
  }
  return units;
}

/** `NAME=VALUE` lines of each unit; empty lines stand between units. */
function* blocksOf(text: string): Generator<Map<string, string>> {
  let block = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line !== '') block.set(...cut(line, '='));
    else if (block.size > 0) {
      yield block;
      block = new Map();
    }
  }
  yield block;
}

/** `Tue 2026-01-06 10:00:00.123456 UTC` → seconds since the epoch, with µs. */
function seconds(timestamp: string): number {
  const match = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,9})?/.exec(timestamp);
  return match ? Date.parse(`${match[1]}T${match[2]}Z`) / 1000 + Number(match[3] ?? 0) : 0;
}

/** dpkg may name a package once for each architecture, and others that provide it: those are left out. */
export function decodePackages(text: string, asked: Asked): Observed['packages'] {
  const packages: Observed['packages'] = bare();
  for (const line of linesOf(text)) {
    const [name = '', want, status, version = ''] = line.split(' ', 4);
    if (asked.has(name) && status && status !== 'not-installed')
      packages[name] = { version, status, held: want === 'hold' };
  }
  return packages;
}

/**
 * A directory server (LDAP) may write a name in its own way: then it is left out. Of all groups only those of these
 * users count.
 */
export function decodeUsers(passwd: string, groups: string, asked: Asked): Observed['users'] {
  const users: Observed['users'] = bare();
  for (const line of linesOf(passwd)) {
    const [name = '', , , gid = '', , home = '', shell = ''] = line.split(':', 7);
    if (asked.has(name)) users[name] = { group: gid, home, shell };
  }
  const names = new Map(Object.values(users).map(({ group }) => [group, group]));
  for (const line of linesOf(groups)) {
    const [name = '', , id = ''] = line.split(':', 3);
    if (names.has(id)) names.set(id, name);
  }
  for (const user of Object.values(users)) user.group = names.get(user.group) ?? user.group;
  return users;
}

function absolute(path: string): string {
  return path.slice(1);
}
