import type { HostFacts } from '../../cluster/facts.ts';
import { kindOf } from '../../resources/kinds.ts';
import type { Observed } from '../../resources/types.ts';
import type { Reader } from '../hosts/reader.ts';
import { API } from '../../core/places.ts';
import type { StateTree } from '../types.ts';
import { emptyReads } from '../wire/wire.ts';

/** All reads of a host in one request, all hosts side by side. Pure reading: nothing on a host changes. */
export async function probeHosts(
  reader: Reader,
  stages: StateTree['stages'],
  facts: ReadonlyMap<string, HostFacts>,
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
      // Asked beside the rest: a host that does not see its own root saw nothing at all.
      reads.paths.push('/');
      observed.set(host, await reader.probe(host, reads));
    }),
  );
  return observed;
}
