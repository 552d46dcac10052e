import { homedir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { AnyAuthMethod } from 'ssh2';
import { McpkError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import { UnreadableFile } from '../core/read-file.ts';
import { agentKeys, isWanted, SelectedAgent } from './agent.ts';
import { LOCKED, OPEN, readIdentity, unsupported } from './identity-file.ts';
import type { Hop } from './route.ts';

export interface Identities {
  methods: AnyAuthMethod[];
  /** What is tried, for an error: paths, the agent's socket. */
  tried: string[];
  /** What is not, and why. */
  skipped: string[];
  /** Raw public keys that the hop's files name. */
  wanted: Buffer[];
  /** Names of public keys without a private one beside them: an agent may have it. */
  halves: { file: string; key: Buffer }[];
}

/** As ssh has them, when none is named. */
const DEFAULTS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * Keys to log in with: files first, then the agent, as an agent with many keys uses up sshd's MaxAuthTries.
 * Throws `unreachable` when there is nothing to try; says why (a passphrase needs an agent).
 */
export function identitiesOf(hop: Hop): Identities {
  const found: Identities = { methods: [], tried: [], skipped: [], wanted: [], halves: [] };
  const named = hop.identityFiles.length > 0;
  const files = named ? hop.identityFiles : DEFAULTS.map((file) => join(homedir(), '.ssh', file));
  for (const file of files) addFile(found, hop, { file, named });
  if (hop.agent !== undefined) {
    const agent = new SelectedAgent(hop.agent, choiceOf(found, hop));
    found.methods.push({ type: 'agent', username: hop.user, agent });
    found.tried.push(agentOf(hop));
  }
  const details = named ? found.skipped : [...found.skipped, `looked for ${files.join(', ')}`];
  if (found.methods.length === 0) throw nothingToTry(hop, details);
  return found;
}

const agentOf = ({ agent }: Hop): string => `agent ${agent ?? ''}`;
const choiceOf = ({ wanted }: Identities, hop: Hop): { wanted: Buffer[]; only: boolean } => ({
  wanted,
  only: hop.identitiesOnly ?? false,
});

function addFile(found: Identities, hop: Hop, { file, named }: { file: string; named: boolean }): void {
  const skip = (why: string): void => void found.skipped.push(`${file}: ${why}`);
  let identity: ReturnType<typeof readIdentity>;
  try {
    identity = readIdentity(file);
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    if (named || error.code !== 'ENOENT') skip(error.message);
    return;
  }
  const { key, why, publicKey, file: from = file } = identity;
  if (publicKey) found.wanted.push(publicKey);
  if (key) {
    found.methods.push({ type: 'publickey', username: hop.user, key });
    found.tried.push(from);
  } else if (identity.isPublic && publicKey) {
    found.halves.push({ file, key: publicKey });
    if (hop.agent === undefined) skip('a public key only; its private key is not beside it, and no agent is asked');
  } else skip(why);
}

/**
 * After a refusal: which keys of the agent were offered, and which could not be, by name. Nothing is thrown; an agent
 * that does not answer stays as it is.
 */
export async function explainAgent(hop: Hop, found: Identities): Promise<void> {
  if (hop.agent === undefined) return;
  const keys = await agentKeys(hop.agent);
  if (keys === undefined) return;
  const from = agentOf(hop);
  const choice = choiceOf(found, hop);
  found.tried = found.tried.filter((tried) => tried !== from);
  for (const { type, comment, key } of keys) {
    const name = `${from}: ${type} ${comment}`;
    const why = unsupported(type);
    if (why !== undefined) found.skipped.push(`${name}: ${why}`);
    else if (ssh2.utils.parseKey(key) instanceof Error)
      found.skipped.push(`${name}: a kind of key that mcpk does not know`);
    else if (choice.only && !isWanted(choice, key)) found.skipped.push(`${name}: IdentitiesOnly`);
    else found.tried.push(name);
  }
  if (keys.length === 0) found.skipped.push(`${from}: holds no key`);
  for (const half of found.halves)
    if (!keys.some(({ key }) => key.equals(half.key)))
      found.skipped.push(
        `${half.file}: a public key only; the agent does not have it, nor is its private key beside it`,
      );
}

function nothingToTry(hop: Hop, details: string[]): McpkError {
  return new McpkError('unreachable', `${hop.label}: no key to log in with as ${hop.user}`, {
    host: hop.name,
    details,
    hint: hintFor(details),
  });
}

function hintFor(skipped: readonly string[]): string {
  const fileThatIs = (why: string): string | undefined =>
    skipped.find((line) => line.endsWith(`: ${why}`))?.slice(0, -`: ${why}`.length);
  const open = fileThatIs(OPEN);
  if (open !== undefined) return `Keep it to yourself, as ssh demands: chmod 600 ${quote([open])}`;
  const locked = fileThatIs(LOCKED);
  return locked === undefined
    ? 'Name a private key in ssh.identityFiles, or start an agent and set ssh.agent: true.'
    : `${locked} needs its passphrase: eval "$(ssh-agent)" && ssh-add ${locked}, and set ssh.agent: true.`;
}
