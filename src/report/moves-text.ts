import type { Move, Moves } from '../cluster/facts.ts';
import { clockTime, span } from '../core/duration.ts';
import { clean, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

/**
 * `moved  since the last run, 2 days ago: the VIP 3 times (last 14:02:11, from m1 to m2), etcd's leader once (…)`; no
 * line where nothing did.
 *
 * @param now when that was asked
 */
export function renderMoves({ since, vip, etcdLeader, incomplete }: Moves, theme: Theme, now: Date): string[] {
  const told = [
    ...timesOf('the VIP', vip, { incomplete, now }),
    ...timesOf("etcd's leader", etcdLeader, { incomplete, now }),
  ];
  if (told.length === 0) return [];
  const ago = span(now.getTime() - Date.parse(since));
  return wrap(theme, clean(`moved  since the last run, ${ago} ago: ${told.join(', ')}`), 7);
}

function timesOf(
  what: string,
  moves: readonly Move[] = [],
  { incomplete, now }: { incomplete: true | undefined; now: Date },
): string[] {
  const last = moves.at(-1);
  if (last === undefined) return [];
  const times = moves.length === 1 ? 'once' : `${String(moves.length)} times`;
  const when = `${moves.length === 1 ? '' : 'last '}${clockTime(new Date(last.at), now)}`;
  const from = last.from === undefined ? '' : `from ${last.from} `;
  return [`${what} ${incomplete ? 'at least ' : ''}${times} (${when}, ${from}to ${last.to})`];
}
