import { McpkError } from '../core/errors.ts';
import { hostKeyRefused } from './host-key-errors.ts';
import { forgetKeys, mayRecord, readKnownHosts, recordKey } from './known-hosts-files.ts';
import type { RecordPlace } from './known-hosts-files.ts';
import { judge } from './known-hosts.ts';
import { recordPlace } from './route.ts';
import type { Hop } from './route.ts';

/** A host, or a jump host. */
interface At {
  readonly hop: Hop;
}

/** The key that it offers. */
interface Offered {
  readonly key: Buffer;
}

/**
 * Where {@link pinHostKey} would record a scanned key, or has it; nothing is written. Throws `hostKey` when another key
 * is recorded for the host, or this one is revoked: those lines are the user's to remove; `invalid` when the file, or
 * the name, is not one to write.
 */
export function pinPlace({ hop }: At, { key }: Offered): RecordPlace & { known: boolean } {
  const verdict = judge(readKnownHosts(hop).entries, hop.keyName, key);
  if (verdict.is === 'known') return { file: verdict.entry.file, name: hop.keyName, known: true };
  if (verdict.is !== 'unknown') throw hostKeyRefused(hop, key, verdict);
  const place = recordPlace(hop);
  if (place === undefined)
    throw new McpkError('invalid', `${hop.label}: no known_hosts file to write to`, {
      host: hop.name,
      hint: 'Name one in ssh.knownHostsFiles.',
    });
  mayRecord(place);
  return { ...place, known: false };
}

/** Records a scanned key in the first known_hosts file. `added` is false when it is known. Throws as {@link pinPlace}. */
export function pinHostKey(door: At, offered: Offered): { file: string; added: boolean } {
  const place = pinPlace(door, offered);
  return { file: place.file, added: !place.known && recordKey(place, offered.key) };
}

/**
 * As {@link pinHostKey}, in place of other keys that are recorded for the host. Throws `hostKey` where these stand in a
 * file that is not written to, or in lines of other hosts too: those are the user's to change.
 */
export function replaceHostKey(door: At, offered: Offered): { file: string; added: boolean } {
  const { hop } = door;
  const { key } = offered;
  const verdict = judge(readKnownHosts(hop).entries, hop.keyName, key);
  if (verdict.is === 'changed') {
    const place = recordPlace(hop);
    // A line may give the host's name and its address.
    const own = new Set([hop.keyName, hop.name.toLowerCase(), hop.address]);
    const isOwn = ({ file, names }: (typeof verdict.recorded)[number]): boolean =>
      file === place?.file &&
      (names.startsWith('|') ||
        names
          .toLowerCase()
          .split(',')
          .every((name) => own.has(name)));
    if (place === undefined || !verdict.recorded.every(isOwn)) throw hostKeyRefused(hop, key, verdict);
    forgetKeys(
      place,
      verdict.recorded.map(({ line }) => line),
    );
  }
  return pinHostKey(door, offered);
}
