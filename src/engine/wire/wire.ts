import { createHash } from 'node:crypto';

import { cut, linesOf } from '../../core/lines.ts';
import { sysctlKey, sysctlPath } from '../../core/sysctls.ts';
import { atOnce } from '../../core/turns.ts';
import type { Observed, PathState, Reads } from '../../resources/types.ts';
import { moduleName } from '../../resources/module-name.ts';
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
import { PROBE_TAGS } from './wire-tags.ts';
import { argumentLines, bodyOf, list, relative, splitTexts, SEPARATOR, tagged } from './wire-text.ts';

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

/** The probe's body: one line a list, without doubles. */
export function encodeReads(reads: Reads): Buffer {
  const differing = new Map(reads.differing.map(({ path, sha256 }) => [path, `${sha256}  ${relative(path)}`]));
  // probe.sh walks both lists at once: what `differing` names comes first, in the same order.
  const paths = [...differing.keys(), ...new Set(reads.paths.filter((path) => !differing.has(path)))];
  const commands = new Map(reads.commands.map((command) => [command.id, command.argv]));
  const lines = [
    tagged(PROBE_TAGS.separator, SEPARATOR),
    ...list(PROBE_TAGS.paths, paths.map(relative)),
    ...list(PROBE_TAGS.differing, [...differing.values()]),
    ...list(PROBE_TAGS.texts, unique(reads.texts).map(relative)),
    ...list(PROBE_TAGS.certificates, unique(reads.certificates).map(relative)),
    ...list(PROBE_TAGS.listings, unique(reads.listings).map(relative)),
    ...list(PROBE_TAGS.binaries, unique(reads.binaries).map(relative)),
    ...list(PROBE_TAGS.units, unique(reads.units)),
    ...list(
      PROBE_TAGS.executables,
      unique(reads.executables.map(({ unit, paths: of }) => [unit, ...of.map(relative)].join(' '))),
    ),
    ...list(PROBE_TAGS.packages, unique(reads.packages)),
    ...list(
      PROBE_TAGS.sysctls,
      unique(reads.sysctls).map((key) => relative(PROC_SYS + sysctlPath(key))),
    ),
    ...list(PROBE_TAGS.modules, moduleEntries(reads.modules)),
    ...list(PROBE_TAGS.users, unique(reads.users)),
    ...[...commands].flatMap(([id, argv]) => [
      tagged(PROBE_TAGS.command, encodeURIComponent(id)),
      ...argv.flatMap(argumentLines),
      tagged(PROBE_TAGS.end),
    ]),
  ];
  return Buffer.from(lines.join('\n') + '\n');
}

/** What is observed of a host that tells nothing. Without prototypes: a host's words become keys. */
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

/** `NAME:EVIDENCE`, each once. */
export function moduleEntries(modules: Readonly<Reads['modules']>): string[] {
  return [...new Set(modules.map(({ name, evidence }) => `${moduleName(name)}:${evidence ? relative(evidence) : ''}`))];
}

/**
 * All that one probe saw of what `asked` names. Records of other kinds (facts) are skipped. Throws Error on an answer
 * about anything else; only of what may have a second name (an alias of a unit) is such an answer left out.
 */
export function decodeObserved(records: readonly SessionRecord[], asked: Reads): Observed {
  return atOnce(decodingObserved(records, asked));
}

/** {@link decodeObserved} in pieces, for `inTurns`. */
export function* decodingObserved(records: readonly SessionRecord[], asked: Reads): Generator<undefined, Observed> {
  const bytes = (kind: string): Generator<undefined, Buffer> => bodyOf(records, kind);
  const of = function* (kind: string): Generator<undefined, string> {
    return (yield* bytes(kind)).toString('utf8');
  };
  const settings = new Map(asked.sysctls.map((key) => [PROC_SYS + sysctlPath(key), sysctlKey(key)]));
  const differing = asked.differing.map(({ path }) => path);
  const paths = decodePaths(yield* of('paths'), new Set([...asked.paths, ...differing]));
  const observed: Observed = {
    ...emptyObserved(),
    paths,
    listings: decodeListings(yield* of('listings'), asked.listings, paths),
    binaries: decodeSums(yield* of('binaries'), new Set(asked.binaries)),
    units: decodeUnits(
      { shown: yield* of('units'), stamps: yield* of('stamps'), others: yield* of('executables') },
      new Set(asked.units),
    ),
    packages: decodePackages(yield* of('packages'), new Set(asked.packages)),
    users: decodeUsers(yield* of('users'), yield* of('groups'), new Set(asked.users)),
  };
  const texts = splitTexts(yield* bytes('texts'), [...asked.texts, ...differing, ...settings.keys()]);
  for (const [path, text] of texts) {
    const key = settings.get(path);
    if (key !== undefined) observed.sysctls[key] = text.toString('utf8').trimEnd();
    else if (isText(text, paths[path])) observed.texts[path] = text.toString('utf8');
  }
  const certificates = splitTexts(yield* bytes('certificates'), asked.certificates);
  for (const [path, text] of certificates) observed.texts[path] = text.toString('utf8');
  const modules = new Set(asked.modules.map(({ name }) => moduleName(name)));
  for (const line of linesOf(yield* of('modules'))) {
    const [name, found] = cut(line, ' ');
    observed.modules[known(name, modules)] = found === '1';
  }
  const commands = new Set(asked.commands.map(({ id }) => id));
  for (const line of linesOf(yield* of('commands'))) {
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
