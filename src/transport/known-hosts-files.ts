import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { McpkError } from '../core/errors.ts';
import { makeFolders } from '../core/make-folders.ts';
import { readRegularFile, UnreadableFile } from '../core/read-file.ts';
import { untilChanged } from '../core/until-changed.ts';
import { refuseAlias, refuseName, refuseOtherKind, withoutLinks } from './known-hosts-guard.ts';
import { entriesOf, keyType, knownHostLine, parseKnownHosts } from './known-hosts.ts';
import type { GivenKeys, KnownHost, KnownHosts } from './known-hosts.ts';

/** Larger than the known_hosts of any company. */
const MOST_BYTES = 64 * 2 ** 20;

/** All files that decide whether a host's key is trusted. */
export interface TrustFiles {
  /** The first one is written to. */
  readonly knownHostsFiles: readonly string[];
  /** Of the whole machine; only read. */
  readonly globalKnownHostsFiles?: readonly string[];
  /** Public keys, one a line, that are refused for every host. */
  readonly revokedHostKeys?: string;
}

/** Reads the files in order; one that does not exist counts as empty. Throws `invalid` for one that can't be read. */
export function readKnownHosts({
  knownHostsFiles,
  globalKnownHostsFiles = [],
  revokedHostKeys,
}: TrustFiles): KnownHosts {
  const all = [...knownHostsFiles, ...globalKnownHostsFiles].map(parsed);
  return {
    entries: [...all.flatMap((one) => one.entries), ...(revokedHostKeys === undefined ? [] : revoked(revokedHostKeys))],
    ignored: all.flatMap((one) => one.ignored),
  };
}

/** The lines that decide about the key of a hop: those that are given for it, else those of its files. */
export function linesFor(hop: TrustFiles & { keyName: string; given?: GivenKeys }): KnownHost[] {
  const given = hop.given?.keys ?? [];
  const recorded = entriesOf(readKnownHosts(hop).entries, hop.keyName);
  const isNamed = given.some(({ revoked }) => !revoked);
  return [...given, ...(isNamed ? recorded.filter(({ revoked }) => revoked) : recorded)];
}

/** Where a key is to be recorded. */
export interface RecordPlace {
  readonly file: string;
  /** As known_hosts writes the host. */
  readonly name: string;
  /** The name is not the host's address: a HostKeyAlias; see {@link refuseAlias}. */
  readonly isAlias?: boolean;
  /** See {@link withoutLinks}. */
  readonly inventoryFolder?: string | undefined;
}

/** Throws `invalid` for a name or a file that {@link recordKey} would refuse, before anybody is asked or logged in to. */
export function mayRecord({ file, name, isAlias = false, inventoryFolder }: RecordPlace): void {
  refuseName(file, name);
  const real = withoutLinks(file, inventoryFolder);
  if (isAlias) refuseAlias(file, real, { name, inventoryFolder });
  refuseOtherKind(file, real, readIfThere(file));
}

/**
 * The one way in which host keys are written: appends one line, unless the file has this key for this name. One write
 * with O_APPEND, so that lines of several processes do not mix, and no lock is needed. Creates the file 0600 and its
 * folder 0700. Throws `invalid` when that can't be done, or the file may be no known_hosts ({@link mayRecord}).
 */
export function recordKey(place: RecordPlace, key: Buffer): boolean {
  const { file, name, inventoryFolder } = place;
  const known = entriesOf(parsed(file).entries, name);
  if (known.some((entry) => entry.key.equals(key))) return false;
  mayRecord(place);
  try {
    append(file, withoutLinks(file, inventoryFolder), knownHostLine(name, key));
  } catch (cause) {
    if (cause instanceof McpkError) throw cause;
    throw unusable(file, `can't be written (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, cause);
  }
  return true;
}

/** Takes lines out of the file that {@link recordKey} writes to, as a whole or not at all. Throws as {@link mayRecord}. */
export function forgetKeys(place: RecordPlace, lines: readonly number[]): void {
  const { file, inventoryFolder } = place;
  mayRecord(place);
  const real = withoutLinks(file, inventoryFolder);
  const beside = `${real}.${randomBytes(4).toString('hex')}`;
  try {
    const kept = readIfThere(file)
      .split('\n')
      .filter((_, index) => !lines.includes(index + 1));
    writeFileSync(beside, kept.join('\n'), { flag: 'wx', mode: statSync(real).mode & 0o777, flush: true });
    renameSync(beside, real);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw unusable(file, `can't be written (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, cause);
  }
}

function append(file: string, real: string, line: string): void {
  makeFolders(dirname(real), 0o700);
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(real, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    if (!fstatSync(descriptor).isFile()) throw unusable(file, 'is no file', undefined);
    // Of the file that is written to, which may be another one than a moment ago.
    const text = readFileSync(descriptor, 'utf8');
    refuseOtherKind(file, real, text);
    // An editor may have left the last line without its newline: ours would be glued to it.
    const bytes = Buffer.from(text === '' || text.endsWith('\n') ? line : `\n${line}`);
    if (writeSync(descriptor, bytes) < bytes.length) throw new Error('not whole: is the disk full?');
  } finally {
    closeSync(descriptor);
  }
}

const parsed = untilChanged((file) => parseKnownHosts(readIfThere(file), file));

const revoked = untilChanged((file) => parseRevokedKeys(readRevoked(file), file));

/** As ssh has it, no host is trusted when the list can't be read. */
function readRevoked(file: string): string {
  try {
    return readRegularFile(file, MOST_BYTES).toString('latin1');
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    throw notAList(file, error.message, error);
  }
}

function parseRevokedKeys(text: string, file: string): KnownHost[] {
  if (text.startsWith('SSHKRL')) throw notAList(file, 'is a KRL, which mcpk can not read');
  return text.split('\n').flatMap((raw, index): KnownHost[] => {
    const [type, base64] = raw.trim().split(/[ \t]+/);
    if (type === undefined || type === '' || type.startsWith('#')) return [];
    const key = Buffer.from(base64 ?? '', 'base64');
    if (keyType(key) !== type) throw notAList(file, `has no public key in line ${index + 1}`);
    return [{ file, line: index + 1, revoked: true, names: '*', type, key }];
  });
}

function notAList(file: string, why: string, cause?: unknown): McpkError {
  return new McpkError('invalid', `RevokedHostKeys ${file} ${why}`, {
    cause,
    hint: 'Name a file with public keys in it, one a line (TYPE KEY), or take RevokedHostKeys out of the ssh_config.',
  });
}

/** The usual way of writing `ssh_config` that there are none. */
const NOTHING = '/dev/null';

function readIfThere(file: string): string {
  if (file === NOTHING) return '';
  try {
    return readRegularFile(file, MOST_BYTES).toString('utf8');
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    if (error.code === 'ENOENT') return '';
    throw unusable(file, error.message, error);
  }
}

function unusable(file: string, why: string, cause: unknown): McpkError {
  return new McpkError('invalid', `known_hosts ${file} ${why}`, {
    cause,
    hint: 'Name a file in ssh.knownHostsFiles that can be read and written.',
  });
}
