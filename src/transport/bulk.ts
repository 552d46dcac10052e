import { McpkError } from '../core/errors.ts';
import type { Connection } from './dial.ts';
import { watchOver, type Patience } from './patience.ts';
import type { RemoteScript, ScriptOptions } from './remote-script.ts';

/** What an upload and a download go by: a channel of their own, beside that of the host's session. */
export interface Bulk extends Pick<ScriptOptions, 'host' | 'user' | 'become' | 'password' | 'startLimit' | 'signal'> {
  connection: Connection;
  patience: Patience;
  /** Grows with the signs of life that the host's session gives: a host may be at work for a while and send nothing. */
  alive: () => number;
}

/**
 * Works on a channel that is open; one that fails, that makes no progress, or whose run is interrupted is closed.
 * `kind`: `upload`; `what`: `the upload of /a`.
 */
export async function overChannel<T>(
  remote: RemoteScript,
  { host, patience, alive, signal }: Bulk,
  { kind, what }: { kind: string; what: string },
  work: () => Promise<T>,
): Promise<T> {
  const abort = (): void => remote.destroy(abortError(host, signal));
  signal.addEventListener('abort', abort, { once: true });
  const unwatch = watchOver({
    host,
    what,
    patience,
    limitMs: patience.longLimitMs,
    progress: () => (remote.progress === undefined ? undefined : remote.progress + alive()),
    giveUp: (error) => remote.destroy(error),
  });
  try {
    if (signal.aborted) abort();
    return await work();
  } catch (error) {
    remote.destroy(new McpkError('unreachable', `${host}: the ${kind} was given up`, { host, cause: error }));
    throw error;
  } finally {
    unwatch();
    signal.removeEventListener('abort', abort);
  }
}

function abortError(host: string, { reason }: AbortSignal): McpkError {
  return reason instanceof McpkError
    ? reason
    : new McpkError('interrupted', `${host}: interrupted`, { host, cause: reason });
}
