import { homedir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { AnyAuthMethod } from 'ssh2';
import { McpkError } from '../core/errors.ts';
import { readFileAtMost, UnreadableFile } from '../core/read-file.ts';
import { untilChanged } from '../core/until-changed.ts';
import type { Hop } from './route.ts';

export interface Identities {
  methods: AnyAuthMethod[];
  /** What is tried, for an error: paths, the agent's socket. */
  tried: string[];
  /** What is not, and why. */
  skipped: string[];
}

const MOST_BYTES = 2 ** 20;
/** As ssh has them, when none is named. */
const DEFAULTS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * Keys to log in with: files first, then the agent, as an agent with many keys uses up sshd's MaxAuthTries.
 * Throws `unreachable` when there is nothing to try; says why (a passphrase needs an agent).
 */
export function identitiesOf(hop: Hop): Identities {
  const found: Identities = { methods: [], tried: [], skipped: [] };
  const named = hop.identityFiles.length > 0;
  const files = named ? hop.identityFiles : DEFAULTS.map((file) => join(homedir(), '.ssh', file));
  for (const file of files) addFile(found, hop, { file, named });
  if (hop.agent !== undefined) {
    found.methods.push({ type: 'agent', username: hop.user, agent: hop.agent });
    found.tried.push(`agent ${hop.agent}`);
  }
  if (found.methods.length === 0) throw nothingToTry(hop, found.skipped);
  return found;
}

const readKey = untilChanged((file) => ssh2.utils.parseKey(readFileAtMost(file, MOST_BYTES)));

function addFile(found: Identities, hop: Hop, { file, named }: { file: string; named: boolean }): void {
  let key: ReturnType<typeof readKey>;
  try {
    key = readKey(file);
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    if (named || error.code !== 'ENOENT') found.skipped.push(`${file}: ${error.message}`);
    return;
  }
  if (key instanceof Error) {
    const why = /passphrase/i.test(key.message) ? 'protected by a passphrase' : key.message;
    found.skipped.push(`${file}: ${why}`);
    return;
  }
  found.methods.push({ type: 'publickey', username: hop.user, key });
  found.tried.push(file);
}

function nothingToTry(hop: Hop, skipped: string[]): McpkError {
  const locked = skipped.find((line) => line.endsWith('protected by a passphrase'))?.replace(/: protected.*/, '');
  return new McpkError('unreachable', `${hop.label}: no key to log in with as ${hop.user}@${hop.address}`, {
    host: hop.name,
    details: skipped,
    hint:
      locked === undefined
        ? 'Name a private key in ssh.identityFiles, or start an agent and set ssh.agent: true.'
        : `${locked} needs its passphrase: eval "$(ssh-agent)" && ssh-add ${locked}, and set ssh.agent: true.`,
  });
}
