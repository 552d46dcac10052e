import { McpkError } from '../core/errors.ts';
import { hostKeyRefused } from './host-key-errors.ts';
import type { Hop } from './route.ts';
import { ConnectionPool } from './hops.ts';
import { readKnownHosts, recordKey } from './known-hosts-files.ts';
import { entriesOf, fingerprint, judge, keyType } from './known-hosts.ts';
import type { IgnoredLine, Verdict } from './known-hosts.ts';
import { offeredKey } from './offered-key.ts';
import { routeOf } from './route.ts';
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
  const verdict = judge(readKnownHosts(hop.knownHostsFiles).entries, hop.keyName, key);
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
 * Records a scanned key in the first known_hosts file. `added` is false when it was there. Throws `hostKey` when
 * another key is recorded for the host, or this one is revoked: those lines are the user's to remove.
 */
export function pinHostKey(target: Target, scanned: ScannedKey): { file: string; added: boolean } {
  const hop = routeOf(target).at(-1) as Hop;
  const [file] = hop.knownHostsFiles;
  if (file === undefined)
    throw new McpkError('invalid', `${target.name}: no known_hosts file to write to`, {
      host: target.name,
      hint: 'Name one in ssh.knownHostsFiles.',
    });
  const verdict = judge(readKnownHosts(hop.knownHostsFiles).entries, hop.keyName, scanned.key);
  if (verdict.is === 'changed' || verdict.is === 'revoked') throw hostKeyRefused(hop, scanned.key, verdict);
  return { file, added: recordKey(file, hop.keyName, scanned.key) };
}

/** What is recorded for a host, and lines of its files that could not be used. */
export function showHostKeys(target: Target): { keys: RecordedKey[]; ignored: readonly IgnoredLine[] } {
  const hop = routeOf(target).at(-1) as Hop;
  const known = readKnownHosts(hop.knownHostsFiles);
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
