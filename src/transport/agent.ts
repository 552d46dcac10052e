import { connect } from 'node:net';
import ssh2 from 'ssh2';
import type { IdentityCallback, ParsedKey } from 'ssh2';
import { keyType } from './known-hosts.ts';

/** Which keys of an agent are offered, and in which order. */
export interface Choice {
  /** Raw public keys: these come first. */
  readonly wanted: readonly Buffer[];
  /** No others. */
  readonly only: boolean;
}

/** The agent behind a socket; of its keys some are offered. An agent with many uses up sshd's MaxAuthTries. */
export class SelectedAgent extends ssh2.OpenSSHAgent {
  readonly #choice: Choice;

  constructor(path: string, choice: Choice) {
    super(path);
    this.#choice = choice;
  }

  override getIdentities(done: IdentityCallback<ParsedKey>): void {
    super.getIdentities((error, keys) => {
      if (error || !keys) return done(error);
      const all = keys as ParsedKey[];
      const wanted = all.filter((key) => isWanted(this.#choice, key.getPublicSSH()));
      done(null, this.#choice.only ? wanted : [...wanted, ...all.filter((key) => !wanted.includes(key))]);
    });
  }
}

export function isWanted({ wanted }: Choice, key: Buffer): boolean {
  return wanted.some((other) => other.equals(key));
}

export interface AgentKey {
  type: string;
  /** As the agent has it, on one line. */
  comment: string;
  key: Buffer;
}

const MOST_BYTES = 2 ** 20;
const PATIENCE_MS = 2000;

/**
 * All keys of an agent, for the words of an error: ssh2 passes over those that it does not know. Undefined when the
 * agent does not answer within two seconds.
 */
export function agentKeys(path: string): Promise<AgentKey[] | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let answer = Buffer.alloc(0);
    const settle = (keys?: AgentKey[]): void => {
      socket.destroy();
      resolve(keys);
    };
    socket.setTimeout(PATIENCE_MS, () => settle());
    socket.on('error', () => settle());
    socket.on('close', () => settle());
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      const whole = answer.length >= 4 && answer.length >= 4 + answer.readUInt32BE(0);
      if (whole) settle(parseAnswer(answer.subarray(4)));
      else if (answer.length > MOST_BYTES) settle();
    });
    socket.write(Buffer.from([0, 0, 0, 1, 11])); // SSH_AGENTC_REQUEST_IDENTITIES
  });
}

/** SSH_AGENT_IDENTITIES_ANSWER, a number, and for each key two strings: the key and a comment. */
function parseAnswer(answer: Buffer): AgentKey[] | undefined {
  if (answer[0] !== 12) return undefined;
  const keys: AgentKey[] = [];
  const string = (at: number): Buffer | undefined => {
    const end = at + 4 <= answer.length ? at + 4 + answer.readUInt32BE(at) : Infinity;
    return end <= answer.length ? answer.subarray(at + 4, end) : undefined;
  };
  for (let at = 5; at < answer.length;) {
    const key = string(at);
    const comment = key && string(at + 4 + key.length);
    if (!key || !comment) return undefined;
    at += 8 + key.length + comment.length;
    const text = comment.toString('utf8').replace(/[^\x20-\x7e]+/g, ' ');
    keys.push({ key, comment: text.slice(0, 80), type: keyType(key) ?? 'unknown' });
  }
  return keys;
}
