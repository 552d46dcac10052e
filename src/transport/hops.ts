import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { McpkError } from '../core/errors.ts';
import { dial, openSocket } from './dial.ts';
import { AGAIN } from './dial-errors.ts';
import type { Connection, OpenStream } from './dial.ts';
import { Limit } from '../core/limit.ts';
import type { Hop } from './route.ts';

/** sshd's MaxStartups (10:30:100) drops unauthenticated connections from the eleventh on. */
const LOGINS_AT_ONCE = 8;

/** Gives back the connection, once; the last one to do so closes it. */
export interface Lease extends Connection {
  release(): void;
}

/**
 * What the connections of one run share: logins at once per sshd, and the connections to jump hosts.
 * Make one a run and hand it to every `connect`.
 */
export class ConnectionPool {
  readonly #limits = new Map<string, Limit>();
  readonly #jumps = new Map<string, { lease: Promise<Connection>; users: number }>();

  /** Logs in to the last hop, over the ones before it. */
  async open(route: readonly Hop[], signal: AbortSignal): Promise<Lease> {
    const { hop, jump, open } = await this.#way(route, signal);
    try {
      const connection = await this.#limit(hop).run(() => dial(hop, open, signal), signal);
      return { ...connection, release: once(() => release(connection, jump)) };
    } catch (error) {
      jump?.release();
      throw error;
    }
  }

  /** Lends the bare byte stream to the last hop, without a login; closes it after `use`. */
  async stream<T>(route: readonly Hop[], signal: AbortSignal, use: (stream: Duplex) => Promise<T>): Promise<T> {
    const { hop, jump, open } = await this.#way(route, signal);
    try {
      return await this.#limit(hop).run(async () => {
        const stream = await open(signal);
        return use(stream).finally(() => stream.destroy());
      }, signal);
    } finally {
      jump?.release();
    }
  }

  /** The last hop and how to open a stream to it; whoever asks gives the jump host back. */
  async #way(
    route: readonly Hop[],
    signal: AbortSignal,
  ): Promise<{ hop: Hop; jump: Lease | undefined; open: OpenStream }> {
    const hop = route.at(-1);
    if (!hop) throw new TypeError('a route without hops');
    const before = route.slice(0, -1);
    const jump = before.length > 0 ? await this.#jump(before, signal) : undefined;
    return { hop, jump, open: jump ? forward(jump.client, before.at(-1) ?? hop, hop) : openSocket(hop) };
  }

  /** One connection to a jump host serves all hosts behind it; it closes with the last of them. */
  async #jump(route: readonly Hop[], signal: AbortSignal): Promise<Lease> {
    const key = wayId(route);
    const shared = this.#jumps.get(key) ?? { lease: this.open(route, signal), users: 0 };
    this.#jumps.set(key, shared);
    shared.users += 1;
    const leave = (): boolean => {
      shared.users -= 1;
      if (shared.users === 0 && this.#jumps.get(key) === shared) this.#jumps.delete(key);
      return shared.users === 0;
    };
    try {
      const lease = (await shared.lease) as Lease;
      lease.client.once('close', () => {
        if (this.#jumps.get(key) === shared) this.#jumps.delete(key);
      });
      return { ...lease, release: once(() => void (leave() && lease.release())) };
    } catch (error) {
      leave();
      throw error;
    }
  }

  #limit(hop: Hop): Limit {
    const key = `${hop.address}:${hop.port}`;
    const limit = this.#limits.get(key) ?? new Limit(LOGINS_AT_ONCE);
    this.#limits.set(key, limit);
    return limit;
  }
}

/** The same for all hosts that may share a connection over these hops. */
export function wayId(route: readonly Hop[]): string {
  return JSON.stringify(route.map(sharedBy));
}

/**
 * What must be the same for two hosts to share a connection: all that decides whom it goes to, as whom, and whether its
 * key is trusted. A host that is stricter must not come in over the door that a laxer one has opened.
 */
function sharedBy({ label: _, name: _name, connectTimeout: _timeout, addressIn: _in, ...hop }: Hop): Partial<Hop> {
  return hop;
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

function release(connection: Connection, jump: Lease | undefined): void {
  connection.client.end();
  connection.stream.destroy();
  jump?.release();
}

function forward(client: Client, from: Hop, to: Hop): OpenStream {
  return (signal) =>
    new Promise<Duplex>((resolve, reject) => {
      signal.throwIfAborted();
      const giveUp = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', giveUp, { once: true });
      const failed = (why: string): void =>
        reject(
          new McpkError('unreachable', `${to.label}: ${from.label} cannot reach ${to.address}:${to.port} (${why})`, {
            host: to.name,
            again: AGAIN.unreached,
            hint: 'Is the host switched on, its address as the jump host sees it, and AllowTcpForwarding on there?',
          }),
        );
      try {
        client.forwardOut('127.0.0.1', 0, to.address, to.port, (error, channel) => {
          signal.removeEventListener('abort', giveUp);
          if (error) failed(error.message);
          else resolve(channel);
        });
      } catch (error) {
        failed((error as Error).message);
      }
    });
}
