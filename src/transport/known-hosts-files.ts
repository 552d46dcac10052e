import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { entriesOf, knownHostLine, parseKnownHosts } from './known-hosts.ts';
import type { KnownHosts } from './known-hosts.ts';

/** Reads the files in order; one that does not exist counts as empty. Other errors are thrown. */
export function readKnownHosts(files: readonly string[]): KnownHosts {
  const all = files.map((file) => parseKnownHosts(readIfThere(file), file));
  return { entries: all.flatMap((one) => one.entries), ignored: all.flatMap((one) => one.ignored) };
}

/**
 * Appends one line, unless the file has this key for this name. One write with O_APPEND, so that lines
 * of several processes do not mix, and no lock is needed. Creates the file 0600 and its folder 0700.
 */
export function recordKey(file: string, name: string, key: Buffer): boolean {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const descriptor = openSync(file, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    const known = entriesOf(parseKnownHosts(readFileSync(file, 'utf8'), file).entries, name);
    if (known.some((entry) => entry.key.equals(key))) return false;
    const line = knownHostLine(name, key);
    writeSync(descriptor, endsOpen(descriptor) ? `\n${line}` : line);
    return true;
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

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
