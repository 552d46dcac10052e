import { clockTime, span } from '../core/duration.ts';
import { McpkError } from '../core/errors.ts';
import type { LockHolder, SessionRecord } from './types.ts';

/** `locked SINCE NOW SIZE` (see session.sh): who holds the lock, by our clock. */
export function holderOf({ args, body }: SessionRecord): LockHolder {
  const [since = 0, now = 0] = args.map(Number);
  const [who = '', tail = ''] = body.toString('utf8').split('\n', 2);
  // The journal's last line tells where the run is, if it is of that run at all.
  const [at, , event = '', stage] = tail.split(' ', 4);
  const own = Number(at) >= since * 1000 && event !== 'run' && event !== 'result';
  return { who, forMs: (now - since) * 1000, ...(own && stage !== undefined ? { stage } : {}) };
}

/** `root@ops1 pid 4711, apply since 14:02:11 (3 min), stage etcd`. */
export function holderText({ who, forMs, stage }: LockHolder, now = new Date()): string {
  const since = `since ${clockTime(new Date(now.getTime() - forMs), now)} (${span(forMs)})`;
  return `${who === '' ? 'another run' : who} ${since}${stage === undefined ? '' : `, stage ${stage}`}`;
}

/** One error for all hosts that are refused: the first says who, the others only when it is someone else. */
export function lockedError(refused: ReadonlyMap<string, LockHolder>): McpkError {
  const [[host, first] = ['', { who: '', forMs: 0 }], ...rest] = refused;
  const others = rest.filter(([, holder]) => holder.who !== first.who);
  const hosts = [host, ...rest.filter(([, holder]) => holder.who === first.who).map(([name]) => name)];
  return new McpkError('locked', `${hosts.join(', ')}: locked by ${holderText(first)}`, {
    host,
    ...(others.length > 0 ? { details: others.map(([name, holder]) => `${name}: ${holderText(holder)}`) } : {}),
    hint: '--wait-lock 5m waits for it. A run that died lets go within 15 s.',
  });
}
