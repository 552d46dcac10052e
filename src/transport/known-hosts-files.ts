import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { McpkError } from '../core/errors.ts';
import { readFileAtMost, UnreadableFile } from '../core/read-file.ts';
import { untilChanged } from '../core/until-changed.ts';
import { entriesOf, knownHostLine, parseKnownHosts } from './known-hosts.ts';
import type { KnownHosts } from './known-hosts.ts';

/** Larger than the known_hosts of any company. */
const MOST_BYTES = 64 * 2 ** 20;

/** Reads the files in order; one that does not exist counts as empty. Throws `invalid` for one that can't be read. */
export function readKnownHosts(files: readonly string[]): KnownHosts {
  const all = files.map(parsed);
  return { entries: all.flatMap((one) => one.entries), ignored: all.flatMap((one) => one.ignored) };
}

/**
 * Appends one line, unless the file has this key for this name. One write with O_APPEND, so that lines
 * of several processes do not mix, and no lock is needed. Creates the file 0600 and its folder 0700. Throws `invalid`
 * when that can't be done.
 */
export function recordKey(file: string, name: string, key: Buffer): boolean {
  const known = entriesOf(parsed(file).entries, name);
  if (known.some((entry) => entry.key.equals(key))) return false;
  try {
    append(file, knownHostLine(name, key));
  } catch (cause) {
    throw unusable(file, `can't be written (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, cause);
  }
  return true;
}

function append(file: string, line: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const descriptor = openSync(file, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    writeSync(descriptor, endsOpen(descriptor) ? `\n${line}` : line);
  } finally {
    closeSync(descriptor);
  }
}

/** An editor may have left the last line without its newline: ours would be glued to it. */
function endsOpen(descriptor: number): boolean {
  const { size } = fstatSync(descriptor);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(descriptor, last, 0, 1, size - 1);
  return last[0] !== 0x0a;
}

const parsed = untilChanged((file) => parseKnownHosts(readIfThere(file), file));

function readIfThere(file: string): string {
  try {
    return readFileAtMost(file, MOST_BYTES).toString('utf8');
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
