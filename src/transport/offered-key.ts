import type { Duplex } from 'node:stream';
import ssh2 from 'ssh2';
import { algorithms } from './algorithms.ts';
import { beforeLogin, dialError, dropped } from './dial-errors.ts';
import type { DialFailure } from './dial-errors.ts';
import type { ConnectionPool } from './hops.ts';
import type { Hop } from './route.ts';

/** The raw host key that the last hop of a route offers; hangs up as soon as it is known. */
export async function offeredKey(route: readonly Hop[], signal: AbortSignal, pool: ConnectionPool): Promise<Buffer> {
  const hop = route.at(-1) as Hop;
  const limit = AbortSignal.timeout(hop.connectTimeout * 1000);
  const either = AbortSignal.any([signal, limit]);
  try {
    return await pool.stream(route, either, (stream) => ask(stream, either));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && error.name === 'McpkError') throw error;
    const failure = limit.aborted
      ? Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })
      : (error as DialFailure);
    throw dialError(hop, failure, undefined);
  }
}

function ask(stream: Duplex, signal: AbortSignal): Promise<Buffer> {
  const client = new ssh2.Client();
  return new Promise<Buffer>((resolve, reject) => {
    let key: Buffer | undefined;
    const settle = (error: Error): void => {
      signal.removeEventListener('abort', abort);
      client.removeAllListeners().on('error', () => undefined);
      client.destroy();
      if (key) resolve(key);
      else reject(error);
    };
    const abort = (): void => settle(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    client.once('error', (error) => settle(beforeLogin(error)));
    client.once('close', () => settle(dropped('closed without a word')));
    client.connect({
      sock: stream,
      username: 'mcpk',
      algorithms: algorithms([]),
      readyTimeout: 0,
      hostVerifier: (offered: Buffer) => {
        key = Buffer.from(offered);
        return false;
      },
    });
  });
}
