import type { Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Materials, Observed, Ref } from '../../resources/types.ts';
import type { Fleet } from '../hosts/fleet.ts';
import type { Reader } from '../hosts/reader.ts';
import type { Comparisons } from '../plan/compare.ts';
import type { Ownership } from '../plan/owned.ts';
import type { Journal } from './journal.ts';
import type { RunState } from './run-state.ts';

/** What the hands of a run work with, and what they remember of their work. */
export interface Means {
  readonly state: RunState;
  readonly cluster: Cluster;
  readonly fleet: Fleet;
  readonly reader: Reader;
  facts: Facts & { apiHost?: string };
  readonly comparisons: Comparisons;
  readonly observed: Map<string, Observed>;
  readonly materials: Materials;
  readonly journal: Journal;
  /** host → ref → hash of what this run laid down, where it was not known at plan time. */
  readonly laid: Map<string, Map<Ref, string>>;
  /** host → what mcpk owns there now. */
  readonly owned: Map<string, Map<string, Ownership>>;
  /** Runs `work` when nothing else writes on that host. */
  turn<T>(host: string, work: () => Promise<T>): Promise<T>;
}

/** A queue a host: work starts when what came before it has ended, well or not. */
export function turns(): Means['turn'] {
  const last = new Map<string, Promise<unknown>>();
  return (host, work) => {
    const mine = (last.get(host) ?? Promise.resolve()).then(work, work);
    last.set(
      host,
      mine.catch(() => undefined),
    );
    return mine;
  };
}
