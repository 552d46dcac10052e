import { failure, McpkError } from '../../core/errors.ts';
import type { Host } from '../../inventory/types.ts';
import type { Door, ScannedKey } from '../../transport/host-keys.ts';
import { onEach, targetOf } from './targets.ts';

/** A key that was offered at a door, which several hosts may be behind. */
export interface Offered {
  readonly door: Door;
  readonly key: ScannedKey;
}

export interface HopByHop {
  concurrency: number;
  signal: AbortSignal;
  /** Gets what was offered by those of one distance from here; gives why the hosts behind a door can't be asked. */
  settle: (offered: readonly Offered[]) => Promise<(offered: Offered) => Error | undefined>;
}

/**
 * Asks the hosts for their keys, and before them the jump hosts on the way, the nearest ones first: over one whose key
 * is not trusted nobody logs in. A jump host is asked once for all that are behind it. What could not be asked is
 * returned as errors.
 */
export async function hopByHop(hosts: readonly Host[], { concurrency, signal, settle }: HopByHop): Promise<Error[]> {
  const [{ doorsOf, scanHostKey }, { ConnectionPool }, { forHost }] = await Promise.all([
    import('../../transport/host-keys.ts'),
    import('../../transport/hops.ts'),
    import('../../transport/route.ts'),
  ]);
  const pool = new ConnectionPool();
  const errors: Error[] = [];
  let ways = hosts.map((host) => doorsOf(targetOf(host)));
  for (let distance = 0; ways.length > 0; distance += 1) {
    const doors = once(ways.flatMap((way) => way.slice(distance, distance + 1)));
    const asked = await onEach(doors, concurrency, (door) => scanHostKey(door, signal, pool));
    // Whoever is behind a jump host that fails is not reached either.
    const fail = (door: Door, error: Error): void => {
      const behind = ways.filter((way) => way[distance]?.id === door.id).flatMap((way) => way.at(-1)?.hop.name ?? []);
      errors.push(...(error instanceof McpkError ? behind.map((name) => forHost(error, name)) : [error]));
    };
    const offered = asked.flatMap(({ item, value }) => (value ? [{ door: item, key: value }] : []));
    for (const { item, error } of asked) if (error) fail(item, error);
    const why = await settle(offered).catch((error: unknown) => {
      // That nobody agreed does not hide which hosts were not asked.
      if (!(error instanceof McpkError) || error.code === 'interrupted') throw error;
      throw failure([error, ...errors.filter((each) => each instanceof McpkError)]);
    });
    const open = new Set<string>();
    for (const each of offered) {
      const closed = why(each);
      if (closed === undefined) open.add(each.door.id);
      else fail(each.door, closed);
    }
    ways = ways.filter((way) => way.length > distance + 1 && open.has(way[distance]?.id ?? ''));
  }
  return errors;
}

/** A jump host is one, however many hosts are behind it. */
export function once(doors: readonly Door[]): Door[] {
  return [...new Map(doors.map((door) => [door.id, door])).values()];
}
