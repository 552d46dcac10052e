import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { globMatches } from '../core/glob.ts';

/** One usable line of a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
export interface KnownHost {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly revoked: boolean;
  /** As written: `m1,10.0.0.1`, `[m1]:2222`, `|1|salt|hash`, with `*`, `?` and `!`. */
  readonly names: string;
  readonly type: string;
  readonly key: Buffer;
}

/** Keys that the operator vouches for on the command line, over known_hosts. */
export interface GivenKeys {
  /** The file or the command that they are from, as it was named. */
  readonly from: string;
  readonly keys: readonly KnownHost[];
}

/** A line that is not used, and why, without a word of it: the file may be a private one of another kind. */
export interface IgnoredLine {
  readonly file: string;
  readonly line: number;
  readonly why: string;
}

export interface KnownHosts {
  readonly entries: readonly KnownHost[];
  readonly ignored: readonly IgnoredLine[];
}

export type Verdict =
  | { is: 'known'; entry: KnownHost }
  | { is: 'unknown' }
  /** Other keys are recorded for this host, not this one. */
  | { is: 'changed'; recorded: readonly KnownHost[] }
  | { is: 'revoked'; entry: KnownHost };

/** Reads the text of one known_hosts file. Never throws: what can't be used is listed. */
export function parseKnownHosts(text: string, file: string): KnownHosts {
  const entries: KnownHost[] = [];
  const ignored: IgnoredLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    const line = index + 1;
    const parsed = parseLine(content);
    if (typeof parsed === 'string') ignored.push({ file, line, why: parsed });
    else entries.push({ file, line, ...parsed });
  }
  return { entries, ignored };
}

/** Why such a line is not used. */
export const AUTHORITY = '@cert-authority: host certificates are not supported';

function parseLine(content: string): Omit<KnownHost, 'file' | 'line'> | string {
  const words = content.split(/[ \t]+/);
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  if (marker === '@cert-authority') return AUTHORITY;
  if (marker !== undefined && marker !== '@revoked') return 'unknown marker';
  const [names, type, base64] = words;
  if (names === undefined || type === undefined || base64 === undefined) return 'names, type and key expected';
  const key = Buffer.from(base64, 'base64');
  if (keyType(key) !== type) return 'the key is not of the type that stands before it';
  return { revoked: marker === '@revoked', names, type, key };
}

/** The type that a raw public key names itself: a length and a string; undefined when it is none. */
export function keyType(key: Buffer): string | undefined {
  if (key.length < 4) return undefined;
  const length = key.readUInt32BE(0);
  const type = length > 0 && length <= 64 && key.length > 4 + length ? key.toString('latin1', 4, 4 + length) : '';
  // A host's word, which goes into a file and onto the terminal.
  return /^[\w@.-]+$/.test(type) ? type : undefined;
}

/** Whether a raw public key is as long as its parts say, each of which begins with its length. */
export function isWhole(key: Buffer): boolean {
  let at = 0;
  while (at + 4 <= key.length) at += 4 + key.readUInt32BE(at);
  return at === key.length;
}

/** The name under which known_hosts keeps a host: `m1`, or `[m1]:2222` when the port is not 22. */
export function hostName(address: string, port: number): string {
  const lower = address.toLowerCase();
  return port === 22 ? lower : `[${lower}]:${port}`;
}

/** Lines that speak of this host. */
export function entriesOf(known: readonly KnownHost[], name: string): KnownHost[] {
  return known.filter((entry) => matches(entry.names, name));
}

/** Compares raw key bytes; a revoked key is revoked whatever other lines say. */
export function judge(known: readonly KnownHost[], name: string, key: Buffer): Verdict {
  return judgeBy(entriesOf(known, name), key);
}

/** The same by the lines of the host alone. */
export function judgeBy(own: readonly KnownHost[], key: Buffer): Verdict {
  const same = own.filter((entry) => entry.key.equals(key));
  const revoked = same.find((entry) => entry.revoked);
  if (revoked) return { is: 'revoked', entry: revoked };
  const [entry] = same;
  if (entry) return { is: 'known', entry };
  const recorded = own.filter((other) => !other.revoked);
  return recorded.length > 0 ? { is: 'changed', recorded } : { is: 'unknown' };
}

function matches(names: string, name: string): boolean {
  if (names.startsWith('|')) return matchesHash(names, name);
  let found = false;
  for (const pattern of names.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!globMatches(negated ? pattern.slice(1) : pattern, name)) continue;
    // A negated match wins over every other pattern of its line.
    if (negated) return false;
    found = true;
  }
  return found;
}

/** `|1|base64 of the salt|base64 of HMAC-SHA1(salt, name)` */
function matchesHash(names: string, name: string): boolean {
  const [, version, salt, hash] = names.split('|');
  if (version !== '1' || !salt || !hash) return false;
  const wanted = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return wanted.length === actual.length && timingSafeEqual(wanted, actual);
}

/** As `ssh-keygen -l` prints it: `SHA256:` and base64 without padding. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The line that records a key; see `isRecordableName`. */
export function knownHostLine(name: string, key: Buffer): string {
  return `${name} ${keyType(key) ?? 'unknown'} ${key.toString('base64')}\n`;
}
