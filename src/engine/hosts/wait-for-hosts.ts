import { span } from '../../core/duration.ts';
import { McpkError } from '../../core/errors.ts';
import { pause } from '../../core/pause.ts';
import { Limit } from '../../core/limit.ts';
import type { HostKeysFrom } from '../../transport/host-keys-from.ts';
import type { Session } from '../../transport/types.ts';
import type { Emit } from '../types.ts';
import { isStarting, STARTING_WHY, SYSTEM } from './starting.ts';

/** In seconds. */
const PACE = {
  /** Within one such time what changes is told together. */
  tell: 1,
  /** Of a host that was up so long ago nobody knows: an installer reboots when it is done. */
  fresh: 10,
  /** Between two looks at a host that starts. */
  starting: 1,
};

interface Named {
  readonly name: string;
}

export interface WaitOptions<H extends Named> {
  /** ms */
  limit: number;
  concurrency: number;
  /** Logs in to a host, without the lock. */
  reach: (host: H, signal: AbortSignal) => Promise<Pick<Session, 'exec' | 'close'>>;
  hostKeys?: Pick<HostKeysFrom, 'readAgain'> | undefined;
  /** The run may go on without some: one that will not come by itself does not end the wait for the others. */
  mayMiss?: boolean;
  signal: AbortSignal;
  emit: Emit;
  since: () => number;
  /** ms of a second, for tests. */
  secondMs?: number;
}

/**
 * Waits until all hosts are up: mcpk logs in, becomes root, and systemd has started all of it. Holds no lock and no
 * connection between two looks. What of a host will not come by itself (no key to log in with, a wrong password for
 * sudo) ends it.
 *
 * @returns why others are not up when the time is over, by host
 * @throws the signal's reason
 */
export async function waitForHosts<H extends Named>(
  hosts: readonly H[],
  options: WaitOptions<H>,
): Promise<Map<string, McpkError>> {
  const { limit, signal, mayMiss = false, secondMs = 1000 } = options;
  const inVain = new AbortController();
  const until = AbortSignal.any([signal, AbortSignal.timeout(limit), inVain.signal]);
  const why = new Map<string, McpkError>(hosts.map(({ name }) => [name, notReached(name)]));
  const looks = lookers({ ...options, until });
  const stopTelling = teller(hosts, why, options);
  const upAt = new Map<H, number>();

  async function waitFor(host: H): Promise<void> {
    for (;;) {
      const seen = await looks(host);
      if (seen === undefined) {
        why.delete(host.name);
        upAt.set(host, performance.now());
        return;
      }
      why.set(host.name, seen);
      if (seen.again === undefined) {
        if (!mayMiss) inVain.abort();
        return;
      }
      await pause(seen.again * secondMs, until);
    }
  }

  async function all(asked: readonly H[]): Promise<void> {
    const ends = await Promise.allSettled(asked.map(waitFor));
    signal.throwIfAborted();
    const fault = ends.find((end) => end.status === 'rejected');
    if (fault && !until.aborted) throw fault.reason;
  }

  try {
    await all(hosts);
    const isOld = (host: H): boolean => performance.now() - (upAt.get(host) ?? 0) > PACE.fresh * secondMs;
    if (!until.aborted && why.size === 0) await all(hosts.filter(isOld));
  } finally {
    stopTelling();
  }
  const waited = inVain.signal.aborted
    ? 'It is waited for no longer, as another host will not come by itself.'
    : `mcpk waited ${span(limit)} for it (--wait-for-hosts).`;
  return new Map([...why].map(([name, error]) => [name, error.again === undefined ? error : error.orElse(waited)]));
}

/** Looks at a host, once: why it is not up; undefined: it is. */
function lookers<H extends Named>({
  concurrency,
  reach,
  hostKeys,
  until,
  emit,
  since,
}: WaitOptions<H> & { until: AbortSignal }): (host: H) => Promise<McpkError | undefined> {
  const turns = new Limit(concurrency);
  let trouble = '';

  async function look(host: H): Promise<McpkError | undefined> {
    const session = await reach(host, until);
    const [system] = await session.exec([{ argv: SYSTEM, limit: 10 }], until).finally(() => session.close());
    if (!isStarting(system)) return undefined;
    return new McpkError('unreachable', `${host.name}: ${STARTING_WHY}`, {
      host: host.name,
      again: PACE.starting,
      hint: 'Look there at what it waits for: systemctl list-jobs',
    });
  }

  /** That they can't be read now is told, and no reason to give up on the hosts. */
  async function readKeys(): Promise<void> {
    try {
      await hostKeys?.readAgain(until);
    } catch (error) {
      if (until.aborted || !(error instanceof McpkError)) throw error;
      if (error.message !== trouble)
        emit({ at: since(), type: 'warning', message: error.message, ...(error.hint ? { hint: error.hint } : {}) });
      trouble = error.message;
    }
  }

  return async (host) => {
    try {
      return await turns.run(() => look(host), until);
    } catch (error) {
      until.throwIfAborted();
      if (!(error instanceof McpkError)) throw error;
      if (error.code === 'hostKey') await readKeys();
      return error;
    }
  };
}

/** Says of each host what it is waited for, and anew when that is something else; at the end what is so then. */
function teller<H extends Named>(
  hosts: readonly H[],
  why: ReadonlyMap<string, McpkError>,
  { emit, since, secondMs = 1000 }: Pick<WaitOptions<H>, 'emit' | 'since' | 'secondMs'>,
): () => void {
  const told = new Map<string, string>();
  const tell = (): void => {
    for (const { name } of hosts) {
      const error = why.get(name);
      if (error?.message === told.get(name)) continue;
      emit({ at: since(), host: name, ...saidOf(error) });
      if (error) told.set(name, error.message);
      else told.delete(name);
    }
  };
  const timer = setInterval(tell, PACE.tell * secondMs);
  return () => {
    clearInterval(timer);
    tell();
  };
}

function saidOf(
  error: McpkError | undefined,
): { type: 'awaited'; why?: string } | { type: 'warning'; message: string } {
  if (error === undefined) return { type: 'awaited' };
  const { again, message } = error;
  return again === undefined ? { type: 'warning', message } : { type: 'awaited', why: message };
}

function notReached(name: string): McpkError {
  return new McpkError('unreachable', `${name}: no answer yet`, {
    host: name,
    again: 0,
    hint: 'Is the host switched on, and does this machine reach its network?',
  });
}
