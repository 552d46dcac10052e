import type { Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Materials, Observed, Ref, Resource } from '../../resources/types.ts';
import type { Fleet } from '../hosts/fleet.ts';
import type { Reader } from '../hosts/reader.ts';
import type { Comparisons } from '../plan/compare.ts';
import type { Ownership } from '../plan/owned.ts';
import type { HostPlan, PlanItem } from '../types.ts';
import type { Journal } from './journal.ts';
import type { RunState } from './run-state.ts';

/** What the hands of a run work with, and what they remember of their work. */
export interface Means {
  readonly state: RunState;
  readonly cluster: Cluster;
  readonly fleet: Fleet;
  readonly reader: Reader;
  facts: Facts;
  readonly comparisons: Comparisons;
  readonly observed: Map<string, Observed>;
  readonly materials: Materials;
  readonly journal: Journal;
  /** host → ref → hash of what this run laid down, where it was not known at plan time. */
  readonly laid: Map<string, Map<Ref, string>>;
  /** host → what mcpk owns there now. */
  readonly owned: Map<string, Map<string, Ownership>>;
  /** Stages that go along with others, by the name of these. */
  readonly along: ReadonlyMap<string, readonly string[]>;
  /** Runs `work` when nothing else writes on that host. */
  turn<T>(host: string, work: () => Promise<T>): Promise<T>;
}

/** A plan of a host of which each item has the resource that it is about; undefined: it only leaves. */
export interface ResourcePlan {
  host: string;
  items: (PlanItem & { resource: Resource | undefined })[];
}

/** A plan has the names of resources alone, as a resource may hold secrets. */
export function withResources({ comparisons }: Pick<Means, 'comparisons'>, { host, items }: HostPlan): ResourcePlan {
  const known = comparisons.byHost.get(host);
  return { host, items: items.map((item) => ({ ...item, resource: known?.get(item.ref as Ref)?.resource })) };
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
