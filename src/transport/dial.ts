import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import ssh2 from 'ssh2';
import type { Client } from 'ssh2';
import { McpkError } from '../core/errors.ts';
import { algorithms } from './algorithms.ts';
import { AGAIN, beforeLogin, dialError, dropped } from './dial-errors.ts';
import type { DialFailure } from './dial-errors.ts';
import { hostKeyRefused, notGiven, recordedTypeGone } from './host-key-errors.ts';
import { linesFor, mayRecord, readKnownHosts, recordKey } from './known-hosts-files.ts';
import { judgeBy } from './known-hosts.ts';
import type { KnownHost, Verdict } from './known-hosts.ts';
import { explainAgent, identitiesOf } from './identities.ts';
import type { Identities } from './identities.ts';
import { replaceHostKey } from './pin-keys.ts';
import { recordPlace } from './route.ts';
import type { Hop } from './route.ts';

/** Opens the byte stream that a connection runs over: a socket, or a channel through a jump host. */
export type OpenStream = (signal: AbortSignal) => Promise<Duplex>;

export interface Connection {
  readonly client: Client;
  readonly stream: Duplex;
}

const ATTEMPTS = 4;
/** More than all channels of a connection hold with windows as sshd grants them. */
const MOST_UNSENT = 8 * 1024 * 1024;
/** Of what Node reads at once, which is 64 KiB at most. */
const LARGE_PIECE = 16 * 1024;

/**
 * Logs in to one hop. A connection that is dropped before authentication began (MaxStartups) is tried again,
 * with jitter; a failed authentication never, as sshd bans who fails. Throws `unreachable` or `hostKey`,
 * or the signal's reason.
 */
export async function dial(hop: Hop, open: OpenStream, signal: AbortSignal): Promise<Connection> {
  const identities = identitiesOf(hop);
  // Before anything is sent: a file that can't be read is no reason to bother a host.
  readKnownHosts(hop);
  const limit = AbortSignal.timeout(hop.connectTimeout * 1000);
  const either = AbortSignal.any([signal, limit]);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await login(hop, await open(either), { identities, signal: either });
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted) throw dialError(hop, Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }), identities);
      if (error instanceof McpkError) throw error;
      const failure = error as DialFailure;
      if (failure.level === 'client-authentication') await explainAgent(hop, identities);
      if (failure.code !== 'DROPPED' || attempt === ATTEMPTS) throw dialError(hop, failure, identities);
      // Jitter: hosts that were turned away together must not come back together.
      await delay(50 * 2 ** attempt * (0.5 + Math.random()), undefined, { signal: either }).catch(() => undefined);
    }
  }
}

/** A socket without Nagle's delay, set before ssh2 sees it: the largest gain in speed there is. */
export function openSocket(hop: Hop): OpenStream {
  return (signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const socket = new Socket();
      socket.setNoDelay(true);
      const settle = (end: () => void): void => {
        signal.removeEventListener('abort', abort);
        socket.removeListener('error', failed);
        end();
      };
      const failed = (error: Error): void => settle(() => reject(error));
      const abort = (): void => {
        settle(() => reject(signal.reason as Error));
        socket.destroy();
      };
      // Only while connecting: later the session decides how to end.
      signal.addEventListener('abort', abort, { once: true });
      socket.once('error', failed);
      socket.connect({ host: hop.address, port: hop.port, family: hop.family ?? 0 }, () =>
        settle(() => resolve(socket)),
      );
    });
}

interface Login {
  identities: Identities;
  signal: AbortSignal;
}

function login(hop: Hop, stream: Duplex, { identities, signal }: Login): Promise<Connection> {
  // A key that is revoked is none to ask for.
  const recorded = linesFor(hop).filter((entry) => !entry.revoked);
  const judged = new JudgedKey(hop);
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    let authenticating = false;
    const fail = (failure: DialFailure): void => {
      signal.removeEventListener('abort', abort);
      // The later errors of a connection given up have no listener else, and would end the process.
      client.removeAllListeners().on('error', () => undefined);
      client.destroy();
      stream.destroy();
      reject(failure);
    };
    const abort = (): void => fail(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    client.once('handshake', () => {
      authenticating = true;
    });
    client.on('error', (error: DialFailure) => {
      // An agent that does not answer is one method less.
      if (error.level === 'agent') identities.skipped.push(`agent: ${error.message}`);
      else if (judged.refusal) fail(judged.refusal);
      else if (/no matching host key/.test(error.message) && recorded.length > 0)
        fail(
          later(isGiven(hop, recorded) ? notGiven(hop, recorded, undefined) : recordedTypeGone(hop, recorded, error)),
        );
      else fail(authenticating ? error : beforeLogin(error));
    });
    // A connection lost after the banner but before `ready` emits only `close`.
    client.once('close', () =>
      fail(judged.refusal ?? (authenticating ? lostInLogin() : dropped('closed without a word'))),
    );
    client.once('ready', () => {
      signal.removeEventListener('abort', abort);
      client.removeAllListeners().on('error', () => undefined);
      const unwritten = judged.record();
      if (unwritten) return fail(unwritten);
      hearInTurns(stream);
      resolve({ client, stream });
    });
    client.connect({
      sock: stream,
      username: hop.user,
      authHandler: identities.methods,
      algorithms: algorithms(recorded.map((entry) => entry.type)),
      hostVerifier: (key: Buffer) => judged.accepts(key),
      // A line that is gone is known as such after 21 to 28 s, before what was asked over it is given up (patience.ts).
      keepaliveInterval: 7_000,
      keepaliveCountMax: 3,
      readyTimeout: 0, // the signal has the deadline
    });
  });
}

/**
 * A host that asks without end on the level of SSH keeps this process at work: Node reads up to 32 full pieces in a row
 * before anything else has its turn, and a piece may hold two thousand questions, each of which is answered. So after a
 * full piece others have theirs; and who takes no answer is not heard on until it does.
 */
function hearInTurns(stream: Duplex): void {
  stream.on('data', (piece: Buffer) => {
    if (stream.isPaused()) return;
    if (stream.writableLength > MOST_UNSENT) stream.pause().once('drain', () => stream.resume());
    else if (piece.length >= LARGE_PIECE) {
      stream.pause();
      setImmediate(() => stream.resume());
    }
  });
}

/** Judges the key that a hop offers; synchronously, as ssh2 takes a promise for a yes. */
class JudgedKey {
  readonly #hop: Hop;
  refusal: McpkError | undefined;
  /** Records the key. */
  #keep: (() => unknown) | undefined;

  constructor(hop: Hop) {
    this.#hop = hop;
  }

  accepts(key: Buffer): boolean {
    const hop = this.#hop;
    const verdict: Verdict = judgeBy(linesFor(hop), key);
    const own = Buffer.from(key);
    if (verdict.is === 'known') {
      if (isGiven(hop, [verdict.entry])) this.#keep = () => replaceHostKey({ hop }, { key: own });
      return true;
    }
    const place = recordPlace(hop);
    if (verdict.is === 'unknown' && hop.acceptNewHostKeys && place) {
      this.#keep = () => recordKey(place, own);
      this.refusal = failed(() => mayRecord(place));
    } else if (verdict.is === 'changed' && isGiven(hop, verdict.recorded))
      this.refusal = later(notGiven(hop, verdict.recorded, key));
    else this.refusal = later(hostKeyRefused(hop, key, verdict));
    return this.refusal === undefined;
  }

  /** After the login: a host that could not prove itself is not recorded. Gives the error when that fails. */
  record(): McpkError | undefined {
    return this.#keep && failed(this.#keep);
  }
}

/** Lines that decide about a hop are all given, or none is, but for what is revoked. */
function isGiven({ given }: Hop, [first]: readonly KnownHost[]): boolean {
  return first !== undefined && (given?.keys.includes(first) ?? false);
}

/** An installer has a key of its own. */
function later(refusal: McpkError): McpkError {
  return Object.assign(refusal, { again: AGAIN.otherKey });
}

/** What was thrown: within a listener of ssh2 it would end the process. */
function failed(work: () => unknown): McpkError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof McpkError ? error : new McpkError('unexpected', String(error), { cause: error });
  }
}

function lostInLogin(): DialFailure {
  return new Error('the connection was lost during the login');
}
