import type { HostFacts } from '../cluster/facts.ts';
import { kindOf } from '../resources/kinds.ts';
import type { Observed } from '../resources/types.ts';
import type { SessionRecord } from '../transport/types.ts';
import { API } from './compile.ts';
import type { Fleet } from './fleet.ts';
import type { StateTree } from './types.ts';
import { decodeObserved, emptyReads, encodeReads } from './wire.ts';

/** All reads of a host in one request, all hosts side by side. Pure reading: nothing on a host changes. */
export async function probeHosts(
  fleet: Fleet,
  stages: StateTree['stages'],
  facts: ReadonlyMap<string, HostFacts>,
  signal: AbortSignal,
): Promise<Map<string, Observed>> {
  const observed = new Map<string, Observed>();
  const resources = Map.groupBy(
    stages.flatMap((stage) => stage.hosts).filter((states) => states.host !== API),
    (states) => states.host,
  );
  await Promise.all(
    [...resources].map(async ([host, states]) => {
      if (!facts.has(host)) return;
      const reads = emptyReads();
      for (const resource of states.flatMap((each) => each.resources)) kindOf(resource).reads(resource, reads);
      const records: SessionRecord[] = [];
      await fleet.request(host, 'probe', encodeReads(reads), (record) => records.push(record), signal);
      observed.set(host, decodeObserved(records));
    }),
  );
  return observed;
}
