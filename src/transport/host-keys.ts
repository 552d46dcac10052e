import { McpkError } from '../core/errors.ts';
import { hostKeyRefused } from './host-key-errors.ts';
import type { Hop } from './route.ts';
import { ConnectionPool } from './hops.ts';
import { mayRecord, readKnownHosts, recordKey } from './known-hosts-files.ts';
import type { RecordPlace } from './known-hosts-files.ts';
import { entriesOf, fingerprint, judge, keyType } from './known-hosts.ts';
import type { IgnoredLine, Verdict } from './known-hosts.ts';
import { offeredKey } from './offered-key.ts';
import { recordPlace, routeOf } from './route.ts';
import type { Target } from './types.ts';

/** The key that a host offers now. */
export interface ScannedKey {
  host: string;
  /** As known_hosts writes the host. */
  name: string;
  type: string;
  /** `SHA256:…` */
  fingerprint: string;
  verdict: Verdict['is'];
  key: Buffer;
}

export interface RecordedKey {
  host: string;
  name: string;
  type: string;
  fingerprint: string;
  revoked: boolean;
  file: string;
  line: number;
}

/**
 * Asks a host for its key, over its jump hosts, without a login; one connection, as sshd's PerSourcePenalties
 * count those that come without one. Throws `unreachable`; `hostKey` when a jump host's key is refused.
 */
export async function scanHostKey(
  target: Target,
  signal: AbortSignal,
  pool: ConnectionPool = new ConnectionPool(),
): Promise<ScannedKey> {
  const route = routeOf(target);
  const hop = route.at(-1) as Hop;
  const key = await offeredKey(route, signal, pool);
  const verdict = judge(readKnownHosts(hop).entries, hop.keyName, key);
  return {
    host: target.name,
    name: hop.keyName,
    type: keyType(key) ?? 'unknown',
    fingerprint: fingerprint(key),
    verdict: verdict.is,
    key,
  };
}

/**
 * Where {@link pinHostKey} would record a scanned key, or has it; nothing is written. Throws `hostKey` when another key
 * is recorded for the host, or this one is revoked: those lines are the user's to remove; `invalid` when the file, or
 * the name, is not one to write.
 */
export function pinPlace(target: Target, scanned: ScannedKey): RecordPlace & { known: boolean } {
  const hop = routeOf(target).at(-1) as Hop;
  const verdict = judge(readKnownHosts(hop).entries, hop.keyName, scanned.key);
  if (verdict.is === 'known') return { file: verdict.entry.file, name: hop.keyName, known: true };
  if (verdict.is !== 'unknown') throw hostKeyRefused(hop, scanned.key, verdict);
  const place = recordPlace(hop);
  if (place === undefined)
    throw new McpkError('invalid', `${target.name}: no known_hosts file to write to`, {
      host: target.name,
      hint: 'Name one in ssh.knownHostsFiles.',
    });
  mayRecord(place);
  return { ...place, known: false };
}

/** Records a scanned key in the first known_hosts file. `added` is false when it is known. Throws as {@link pinPlace}. */
export function pinHostKey(target: Target, scanned: ScannedKey): { file: string; added: boolean } {
  const place = pinPlace(target, scanned);
  return { file: place.file, added: !place.known && recordKey(place, scanned.key) };
}

/** What is recorded for a host, and lines of its files that could not be used. */
export function showHostKeys(target: Target): { keys: RecordedKey[]; ignored: readonly IgnoredLine[] } {
  const hop = routeOf(target).at(-1) as Hop;
  const known = readKnownHosts(hop);
  const keys = entriesOf(known.entries, hop.keyName).map(({ type, key, revoked, file, line }) => ({
    host: target.name,
    name: hop.keyName,
    type,
    fingerprint: fingerprint(key),
    revoked,
    file,
    line,
  }));
  return { keys, ignored: known.ignored };
}
