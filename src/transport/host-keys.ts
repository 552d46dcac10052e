import type { McpkError } from '../core/errors.ts';
import { hostKeyRefused } from './host-key-errors.ts';
import type { Hop } from './route.ts';
import { wayId, type ConnectionPool } from './hops.ts';
import { readKnownHosts } from './known-hosts-files.ts';
import { entriesOf, fingerprint, judge, keyType } from './known-hosts.ts';
import type { IgnoredLine, Verdict } from './known-hosts.ts';
import { offeredKey } from './offered-key.ts';
import { routeOf } from './route.ts';
import type { Target } from './types.ts';

/** A host or a jump host, with the way to it. */
export interface Door {
  /** The same for all hosts whose way leads over it. */
  readonly id: string;
  readonly hop: Hop;
  /** Up to the hop itself. */
  readonly route: readonly Hop[];
  readonly isJump: boolean;
}

/** All on the way to a host, nearest first: whoever is behind one can be asked only when its key is trusted. */
export function doorsOf(target: Target): Door[] {
  return routeOf(target).map((hop, index, all) => {
    const route = all.slice(0, index + 1);
    return { id: wayId(route), hop, route, isJump: index < all.length - 1 };
  });
}

/** The key that a host or a jump host offers now. */
export interface ScannedKey {
  /** The inventory's name, or `jump host ADDRESS`. */
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
 * Asks for the key at a door, over those before it, without a login there; one connection, as sshd's PerSourcePenalties
 * count those that come without one. Throws `unreachable`; `hostKey` when the key of one before is refused.
 */
export async function scanHostKey(
  { hop, route }: Door,
  signal: AbortSignal,
  pool: ConnectionPool,
): Promise<ScannedKey> {
  const key = await offeredKey(route, signal, pool);
  const verdict = judge(readKnownHosts(hop).entries, hop.keyName, key);
  return {
    host: hop.label,
    name: hop.keyName,
    type: keyType(key) ?? 'unknown',
    fingerprint: fingerprint(key),
    verdict: verdict.is,
    key,
  };
}

/** What is recorded for a host or a jump host, and lines of its files that could not be used. */
export function showHostKeys({ hop }: Door): { keys: RecordedKey[]; ignored: readonly IgnoredLine[] } {
  const known = readKnownHosts(hop);
  const keys = entriesOf(known.entries, hop.keyName).map(({ type, key, revoked, file, line }) => ({
    host: hop.label,
    name: hop.keyName,
    type,
    fingerprint: fingerprint(key),
    revoked,
    file,
    line,
  }));
  return { keys, ignored: known.ignored };
}

/** Why whoever is behind can't be asked for a key: the one at this door is not trusted. */
export function closedDoor({ hop }: Door, scanned: ScannedKey): McpkError | undefined {
  const verdict = judge(readKnownHosts(hop).entries, hop.keyName, scanned.key);
  return verdict.is === 'known' ? undefined : hostKeyRefused(hop, scanned.key, verdict);
}
