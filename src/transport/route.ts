import { dirname, resolve } from 'node:path';
import { McpkError } from '../core/errors.ts';
import type { RecordPlace, TrustFiles } from './known-hosts-files.ts';
import { entriesOf, hostName } from './known-hosts.ts';
import type { GivenKeys } from './known-hosts.ts';
import { readSshConfig } from './ssh-config-file.ts';
import type { ConfigEntry } from './ssh-config-file.ts';
import { expandHome } from './ssh-config-include.ts';
import { ConfigMistake } from './ssh-config-lines.ts';
import { MOST_JUMPS } from './ssh-config-values.ts';
import type { Jump } from './ssh-config-values.ts';
import type { Target } from './types.ts';

/** One login on the way to a host; the last hop of a route is the host itself. */
export interface Hop extends TrustFiles {
  /** For errors: the inventory's name, or `jump host ADDRESS` ({@link JUMP}). */
  readonly label: string;
  /** The inventory's name of the host that the route leads to. */
  readonly name: string;
  readonly address: string;
  /** The ssh_config that the address comes from; absent: it is the inventory's. */
  readonly addressIn?: string;
  readonly port: number;
  /** Only addresses of this kind. */
  readonly family?: 4 | 6;
  readonly user: string;
  /** As known_hosts writes this hop. */
  readonly keyName: string;
  /** HostKeyAlias of the ssh_config gives it that name. */
  readonly isAlias: boolean;
  readonly identityFiles: readonly string[];
  /** Of an agent, only keys that identityFiles name. */
  readonly identitiesOnly?: boolean;
  /** Path of the agent's socket. */
  readonly agent?: string;
  readonly acceptNewHostKeys: boolean;
  /** Those of this hop alone. */
  readonly given?: GivenKeys;
  /** Of the inventory; see `withoutLinks`. */
  readonly inventoryFolder?: string;
  /** Seconds. */
  readonly connectTimeout: number;
}

export const JUMP = 'jump host ';

/** An error of one hop, told of a host that is behind it. */
export function forHost(error: McpkError, host: string): McpkError {
  if (error.host === host && !error.message.startsWith(JUMP)) return error;
  return new McpkError(error.code, `${host}: ${error.message}`, {
    host,
    details: [...error.details],
    hint: error.hint,
    again: error.again,
    cause: error,
  });
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** As OpenSSH is built everywhere. */
const GLOBAL_KNOWN_HOSTS = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];

/**
 * The hops to a target, nearest first. What its ssh_config says fills in what the inventory leaves at its default
 * (user root, port 22, no identity, no jump); HostName always counts, and its known_hosts files come first. A jump host
 * has an entry of its own there, which wins over what the inventory says of the host behind it, and may have jump
 * hosts itself. Throws `invalid` for an ssh_config that can't be used.
 */
export function routeOf(target: Target, environment: Environment = process.env): Hop[] {
  const user = target.user === 'root' ? undefined : target.user;
  const entry = configOf(target, target.address, user);
  const way = { target, environment };
  const jumps =
    target.jump.length > 0
      ? jumpsTo(way, target.jump.map(withoutDefault), [])
      : jumpsTo(way, entry.proxyJump ?? [], [target.address]);
  const { address, name: label, port } = target;
  const end = { address, label, port: port === 22 ? (entry.port ?? 22) : port, user: user ?? entry.user ?? 'root' };
  const identityFiles = target.identityFiles.length > 0 ? target.identityFiles : entry.identityFiles;
  return [...jumps, hopOf(way, { ...end, identityFiles }, entry)];
}

/** Where a key of this hop is recorded; undefined where no file is named. */
export function recordPlace(hop: Hop): RecordPlace | undefined {
  const { isAlias, inventoryFolder, keyName: name } = hop;
  const [file] = hop.knownHostsFiles;
  return file === undefined ? undefined : { file, name, isAlias, inventoryFolder };
}

interface Way {
  readonly target: Target;
  readonly environment: Environment;
}

/** As ssh does: the jump hosts of the nearest one are followed, the others have the one before them. */
function jumpsTo(way: Way, jumps: readonly Jump[], behind: readonly string[]): Hop[] {
  return jumps.flatMap((jump, index) => {
    const entry = configOf(way.target, jump.address, jump.user);
    const { address } = jump;
    const end = {
      address,
      label: `${JUMP}${address}`,
      isOfConfig: behind.length > 0,
      port: jump.port ?? entry.port ?? 22,
      user: jump.user ?? entry.user ?? way.target.user,
      identityFiles: [...new Set([...entry.identityFiles, ...way.target.identityFiles])],
    };
    if (index > 0) return [hopOf(way, end, entry)];
    if (behind.includes(address) || behind.length + jumps.length > MOST_JUMPS)
      throw endless(way.target, [...behind, address]);
    return [...jumpsTo(way, entry.proxyJump ?? [], [...behind, address]), hopOf(way, end, entry)];
  });
}

function withoutDefault({ user, address, port }: Target['jump'][number]): Jump {
  return { address, ...(user === undefined ? {} : { user }), ...(port === 22 ? {} : { port }) };
}

function hopOf(
  { target, environment }: Way,
  end: Pick<Hop, 'address' | 'user' | 'port' | 'label' | 'identityFiles'> & { isOfConfig?: boolean },
  entry: ConfigEntry,
): Hop {
  const address = entry.hostName ?? end.address;
  const usual = hostName(address, end.port);
  const keyName = entry.hostKeyAlias ?? usual;
  const addressIn = entry.hostName !== undefined || end.isOfConfig ? target.configFile : undefined;
  const agent = target.agent ? agentOf(entry, environment) : undefined;
  return {
    label: end.label,
    name: target.name,
    address,
    ...(addressIn === undefined ? {} : { addressIn }),
    port: end.port,
    ...(entry.addressFamily === undefined ? {} : { family: entry.addressFamily }),
    user: end.user,
    keyName,
    isAlias: keyName !== usual,
    identityFiles: end.identityFiles.map(expandHome),
    ...(entry.identitiesOnly === undefined ? {} : { identitiesOnly: entry.identitiesOnly }),
    ...(agent ? { agent } : {}),
    knownHostsFiles: [...new Set([...entry.knownHostsFiles, ...target.knownHostsFiles].map(expandHome))],
    globalKnownHostsFiles: entry.globalKnownHostsFiles ?? GLOBAL_KNOWN_HOSTS,
    ...(entry.revokedHostKeys === undefined ? {} : { revokedHostKeys: entry.revokedHostKeys }),
    acceptNewHostKeys: target.acceptNewHostKeys,
    ...(target.givenKeys === undefined ? {} : { given: ofHop(target.givenKeys, keyName, end.label) }),
    ...(target.source === undefined ? {} : { inventoryFolder: dirname(resolve(target.source)) }),
    connectTimeout: target.connectTimeout,
  };
}

/** By its name in known_hosts, or in the inventory: whoever installs hosts may know them by the latter. */
function ofHop({ from, keys }: GivenKeys, keyName: string, label: string): GivenKeys {
  return { from, keys: [...new Set([keyName, label].flatMap((name) => entriesOf(keys, name)))] };
}

function agentOf({ identityAgent = 'SSH_AUTH_SOCK' }: ConfigEntry, environment: Environment): string | undefined {
  if (identityAgent === 'none') return undefined;
  return identityAgent === 'SSH_AUTH_SOCK' ? environment['SSH_AUTH_SOCK'] : identityAgent;
}

function configOf(target: Target, address: string, user: string | undefined): ConfigEntry {
  if (target.configFile === undefined) return { identityFiles: [], knownHostsFiles: [] };
  try {
    return readSshConfig(target.configFile, address, user);
  } catch (error) {
    if (!(error instanceof ConfigMistake)) throw error;
    const { file, line } = error.place;
    throw unusable(
      target,
      `cannot read the SSH config ${line === 0 ? file : `${file}:${line}`}: ${error.message}`,
      error,
    );
  }
}

function endless(target: Target, way: readonly string[]): McpkError {
  const circle = way.indexOf(way.at(-1) ?? '') < way.length - 1 ? 'go round in a circle' : 'have no end';
  return unusable(target, `the jump hosts of the SSH config ${target.configFile} ${circle}: ${way.join(' → ')}`);
}

function unusable(target: Target, why: string, cause?: unknown): McpkError {
  return new McpkError('invalid', `${target.name}: ${why}`, {
    host: target.name,
    cause,
    hint: 'Mend the file (a jump host that needs none itself: ProxyJump none), or take ssh.configFile out of the inventory.',
  });
}
