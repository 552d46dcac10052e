import { McpkError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import { fingerprint, keyType } from './known-hosts.ts';
import type { GivenKeys, KnownHost, Verdict } from './known-hosts.ts';

/** The host whose key was judged, for the words of a refusal. */
export interface JudgedHost {
  /** Name in the inventory. */
  readonly name: string;
  /** As known_hosts writes it. */
  readonly keyName: string;
  readonly knownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles?: readonly string[];
  readonly given?: GivenKeys;
}

/** Why a connection was refused for its key (exit 12). */
export function hostKeyRefused(host: JudgedHost, key: Buffer, verdict: Exclude<Verdict, { is: 'known' }>): McpkError {
  const offered = describe(keyType(key) ?? 'unknown', key);
  switch (verdict.is) {
    case 'unknown':
      return new McpkError('hostKey', `${host.name}: the host key of ${host.keyName} is not known yet`, {
        host: host.name,
        details: [
          `offered   ${offered}`,
          `searched  ${[...(host.given ? [host.given.from] : []), ...host.knownHostsFiles, ...(host.globalKnownHostsFiles ?? [])].join(', ') || 'no known_hosts file'}`,
        ],
        hint: `Compare the fingerprint with the host's own (ssh-keygen -lf on its console), then ${quote(['mcpk', 'host-key', 'pin', '--limit', host.name])}, or run once with --accept-new-host-keys.`,
      });
    case 'revoked':
      return new McpkError(
        'hostKey',
        `${host.name}: the host key of ${host.keyName} is marked as revoked in ${place(verdict.entry)}`,
        {
          host: host.name,
          details: [`offered   ${offered}`],
          hint: 'Give the host new keys (ssh-keygen -A after removing the old ones), then pin them.',
        },
      );
    case 'changed':
      return new McpkError('hostKey', `${host.name}: the host key of ${host.keyName} has changed`, {
        host: host.name,
        details: [
          `offered   ${offered}`,
          ...verdict.recorded.map((entry) => `recorded  ${describe(entry.type, entry.key)} in ${place(entry)}`),
        ],
        hint: `${removal(verdict.recorded)} and pin the new key, but only if the host was installed anew; if it was not, somebody may sit in between.`,
      });
  }
}

/** Another key than the operator vouches for; `key` undefined: none of such a type. */
export function notGiven(host: JudgedHost, given: readonly KnownHost[], key: Buffer | undefined): McpkError {
  const told = given.map((entry) => `given     ${describe(entry.type, entry.key)} in ${place(entry)}`);
  return new McpkError('hostKey', `${host.name}: ${host.keyName} has another host key than --host-keys-from gives`, {
    host: host.name,
    details: key === undefined ? told : [`offered   ${describe(keyType(key) ?? 'unknown', key)}`, ...told],
    hint: 'It may run its installer still, or what it ran before; or the given key is of an earlier install. If it is none of these, somebody may sit in between.',
  });
}

/** The host has none of the recorded types to offer: nothing to compare, which is a change too. */
export function recordedTypeGone(host: JudgedHost, recorded: readonly KnownHost[], cause: unknown): McpkError {
  return new McpkError('hostKey', `${host.name}: ${host.keyName} no longer offers a host key of a recorded type`, {
    host: host.name,
    cause,
    details: recorded.map((entry) => `recorded  ${describe(entry.type, entry.key)} in ${place(entry)}`),
    hint: `Look at the host's keys (${quote(['mcpk', 'host-key', 'scan', '--limit', host.name])}); if it was installed anew: ${removal(recorded).toLowerCase()} and pin the new key.`,
  });
}

function removal(recorded: readonly KnownHost[]): string {
  return `Remove ${recorded.map((entry) => `line ${entry.line} of ${entry.file}`).join(', ')}`;
}

function describe(type: string, key: Buffer): string {
  return `${type} ${fingerprint(key)}`;
}

function place(entry: KnownHost): string {
  return `${entry.file}:${entry.line}`;
}
