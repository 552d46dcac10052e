import { createHash } from 'node:crypto';

import { cut, linesOf } from '../../core/lines.ts';
import type { Observed, PathState, Reads } from '../../resources/types.ts';
import { moduleName, sysctlKey, sysctlPath } from '../../resources/names.ts';
import type { SessionRecord } from '../../transport/types.ts';
import {
  bare,
  decodeListings,
  decodePackages,
  decodePaths,
  decodeSums,
  decodeUnits,
  decodeUsers,
  known,
} from './wire-observed.ts';
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

/** Of a host that tells nothing. Without prototypes: a host's words become keys. */
export function emptyObserved(): Observed {
  return {
    paths: bare(),
    texts: bare(),
    listings: bare(),
    binaries: bare(),
    units: bare(),
    packages: bare(),
    sysctls: bare(),
    modules: bare(),
    users: bare(),
    commands: bare(),
  };
}

/**
 * All that one probe saw of what `asked` names. Records of other kinds (facts) are skipped. Throws Error on an answer
 * about anything else; only of what may have a second name (an alias of a unit) is such an answer left out.
 */
export function decodeObserved(records: readonly SessionRecord[], asked: Reads): Observed {
  const bytes = (kind: string): Buffer => records.find((record) => record.kind === kind)?.body ?? Buffer.alloc(0);
  const of = (kind: string): string => bytes(kind).toString('utf8');
  const settings = new Map(asked.sysctls.map((key) => [PROC_SYS + sysctlPath(key), sysctlKey(key)]));
  const differing = asked.differing.map(({ path }) => path);
  const paths = decodePaths(of('paths'), new Set([...asked.paths, ...differing]));
  const texts = splitTexts(bytes('texts'), [...asked.texts, ...differing, ...settings.keys()]);
  const certificates = splitTexts(bytes('certificates'), asked.certificates);
  const observed: Observed = {
    ...emptyObserved(),
    paths,
    listings: decodeListings(of('listings'), asked.listings, paths),
    binaries: decodeSums(of('binaries'), new Set(asked.binaries)),
    units: decodeUnits({ shown: of('units'), stamps: of('stamps'), others: of('executables') }, new Set(asked.units)),
    packages: decodePackages(of('packages'), new Set(asked.packages)),
    users: decodeUsers(of('users'), of('groups'), new Set(asked.users)),
  };
  for (const [path, text] of texts) {
    const key = settings.get(path);
    if (key !== undefined) observed.sysctls[key] = text.toString('utf8').trimEnd();
    else if (isText(text, paths[path])) observed.texts[path] = text.toString('utf8');
  }
  for (const [path, text] of certificates) observed.texts[path] = text.toString('utf8');
  const modules = new Set(asked.modules.map(({ name }) => moduleName(name)));
  for (const line of linesOf(of('modules'))) {
    const [name, found] = cut(line, ' ');
    observed.modules[known(name, modules)] = found === '1';
  }
  const commands = new Set(asked.commands.map(({ id }) => id));
  for (const line of linesOf(of('commands'))) {
    const [id, code] = cut(line, ' ');
    observed.commands[known(decodeURIComponent(id), commands)] = Number(code);
  }
  return observed;
}

const PROC_SYS = '/proc/sys/';

/** The shell drops NUL bytes: a text whose hash is not the file's is a binary, and no text. */
function isText(bytes: Buffer, state: PathState | undefined): boolean {
  return state?.sha256 === undefined || state.sha256 === createHash('sha256').update(bytes).digest('hex');
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
