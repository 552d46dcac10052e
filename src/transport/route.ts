import { McpkError } from '../core/errors.ts';
import { hostName } from './known-hosts.ts';
import { expandHome, readSshConfig } from './ssh-config-file.ts';
import type { ConfigEntry } from './ssh-config-file.ts';
import type { Target } from './types.ts';

/** One login on the way to a host; the last hop of a route is the host itself. */
export interface Hop {
  /** For errors: the inventory's name, or `jump host ADDRESS`. */
  readonly label: string;
  /** The inventory's name of the host that the route leads to. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** As known_hosts writes this hop. */
  readonly keyName: string;
  readonly identityFiles: readonly string[];
  /** Path of the agent's socket. */
  readonly agent?: string;
  readonly knownHostsFiles: readonly string[];
  readonly acceptNewHostKeys: boolean;
  /** Seconds. */
  readonly connectTimeout: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The hops to a target, nearest first. What its ssh_config says fills in what the inventory leaves at its default
 * (user root, port 22, no identity, no jump); HostName always counts, and its known_hosts files come first.
 */
export function routeOf(target: Target, environment: Environment = process.env): Hop[] {
  const entry = configOf(target, target.address);
  const jumps =
    target.jump.length > 0
      ? target.jump
      : (entry.proxyJump ?? []).map((jump) => ({ user: target.user, port: 22, ...jump }));
  return [
    ...jumps.map((jump) =>
      hopOf(target, { ...jump, label: `jump host ${jump.address}` }, configOf(target, jump.address), environment),
    ),
    hopOf(
      target,
      { address: target.address, user: target.user, port: target.port, label: target.name },
      entry,
      environment,
    ),
  ];
}

function hopOf(
  target: Target,
  end: { address: string; user: string; port: number; label: string },
  entry: ConfigEntry,
  environment: Environment,
): Hop {
  const address = entry.hostName ?? end.address;
  const port = end.port === 22 ? (entry.port ?? 22) : end.port;
  const agent = target.agent ? environment['SSH_AUTH_SOCK'] : undefined;
  return {
    label: end.label,
    name: target.name,
    address,
    port,
    user: end.user === 'root' ? (entry.user ?? 'root') : end.user,
    keyName: entry.hostKeyAlias?.toLowerCase() ?? hostName(address, port),
    identityFiles: (target.identityFiles.length > 0 ? target.identityFiles : entry.identityFiles).map(expandHome),
    ...(agent ? { agent } : {}),
    knownHostsFiles: [...new Set([...entry.knownHostsFiles, ...target.knownHostsFiles].map(expandHome))],
    acceptNewHostKeys: target.acceptNewHostKeys,
    connectTimeout: target.connectTimeout,
  };
}

function configOf(target: Target, address: string): ConfigEntry {
  if (target.configFile === undefined) return { identityFiles: [], knownHostsFiles: [] };
  try {
    return readSshConfig(target.configFile, address);
  } catch (error) {
    throw new McpkError(
      'invalid',
      `${target.name}: cannot read the SSH config ${target.configFile}: ${(error as Error).message}`,
      {
        host: target.name,
        cause: error,
        hint: 'Mend the file, or take ssh.configFile out of the inventory.',
      },
    );
  }
}
