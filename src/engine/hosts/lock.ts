import { span } from '../../core/duration.ts';
import { pause } from '../../core/pause.ts';
import { holderText, lockedError } from '../../transport/lock.ts';
import type { LockHolder, Session } from '../../transport/types.ts';
import type { Emit } from '../types.ts';

/**
 * A run that has the first master's lock tries so long, and so often, for the others: whoever lost there lets go of
 * them at once.
 */
const PACE = { graceMs: 5000, pollMs: 250 };

export interface LockOptions {
  /** host → session, in the inventory's order. */
  sessions: ReadonlyMap<string, Session>;
  /** Decides between runs that start at the same time: its lock is wanted by every run of this inventory. */
  arbiter: string;
  /** 0: no waiting. */
  waitMs: number;
  signal: AbortSignal;
  emit: Emit;
  since: () => number;
  pace?: typeof PACE;
}

type Refused = ReadonlyMap<string, LockHolder>;

/**
 * Does `work`, which only reads, under the locks of all hosts. It is begun together with the first try, which costs
 * no round trip, and once more when the locks were not to be had at first.
 *
 * Of runs that start together the one that gets the arbiter's lock goes on, the others give back what they have. A
 * run that waits holds nothing, so that two of them never wait for each other.
 *
 * @throws McpkError `locked`
 */
export async function underLock<T>(options: LockOptions, work: () => Promise<T>): Promise<T> {
  const early = work();
  early.catch(() => undefined);
  const refused = await answers(options, [...options.sessions.keys()], (session) => session.lockHolder());
  if (refused.size === 0) return early;
  const { emit, since } = options;
  emit({ at: since(), type: 'phase', name: 'lock', state: 'start' });
  await contend(options, refused);
  emit({ at: since(), type: 'phase', name: 'lock', state: 'end' });
  return work();
}

async function contend(options: LockOptions, first: Refused): Promise<void> {
  const { sessions, arbiter, waitMs, signal, pace = PACE } = options;
  const deadline = performance.now() + waitMs;
  const take = (hosts: Iterable<string>): Promise<Refused> => answers(options, hosts, (session) => session.takeLock());
  const others = [...sessions.keys()].filter((host) => host !== arbiter);
  const tell = teller(options);
  let refused = first;
  for (;;) {
    if (!refused.has(arbiter)) {
      const grace = performance.now() + pace.graceMs;
      while (refused.size > 0 && performance.now() < grace) {
        await apart(pace.pollMs, signal);
        refused = await take(refused.keys());
      }
      if (refused.size === 0) return;
    }
    for (const session of sessions.values()) session.giveLock();
    if (performance.now() >= deadline) throw lockedError(refused);
    do {
      tell(refused, deadline);
      await apart(pace.pollMs, signal);
      refused = await take([arbiter]);
    } while (refused.size > 0 && performance.now() < deadline);
    if (refused.size === 0) refused = await take(others);
  }
}

/** The hosts of these that refuse. */
async function answers(
  { sessions }: LockOptions,
  hosts: Iterable<string>,
  ask: (session: Session) => Promise<LockHolder | undefined>,
): Promise<Refused> {
  const said = await Promise.all(
    [...hosts].map(async (host) => {
      const session = sessions.get(host);
      const holder = session && (await ask(session));
      return holder ? ([[host, holder]] as const) : [];
    }),
  );
  return new Map(said.flat());
}

/** Says for whom it waits, and anew when that is someone else. */
function teller({ emit, since }: LockOptions): (refused: Refused, deadline: number) => void {
  let told = '';
  return (refused, deadline) => {
    const [host, holder] = [...refused][0] ?? [];
    if (host === undefined || !holder || holder.who === told) return;
    told = holder.who;
    const left = span(deadline - performance.now());
    emit({ at: since(), type: 'warning', host, message: `waits up to ${left} for ${holderText(holder)}` });
  };
}

/** Not in step with others that wait too. */
function apart(ms: number, signal: AbortSignal): Promise<void> {
  return pause(ms * (1 + Math.random()), signal);
}
