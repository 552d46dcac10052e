import type { HostFacts } from '../../cluster/facts.ts';
import { understoodInTurns } from '../../core/answer.ts';
import { McpkError } from '../../core/errors.ts';
import { kindOf } from '../../resources/kinds.ts';
import type { Observed } from '../../resources/types.ts';
import type { SessionRecord } from '../../transport/types.ts';
import { API } from '../plan/compile.ts';
import type { Fleet } from '../hosts/fleet.ts';
import type { StateTree } from '../types.ts';
import { decodingObserved, emptyReads, encodeReads } from '../wire/wire.ts';

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
      // Asked beside the rest: a host that does not see its own root saw nothing at all.
      reads.paths.push('/');
      const records: SessionRecord[] = [];
      const exitCode = await fleet.request(host, 'probe', encodeReads(reads), (record) => records.push(record), signal);
      const seen = await understoodInTurns(host, decodingObserved(records, reads));
      checkWhole(host, seen, exitCode);
      observed.set(host, seen);
    }),
  );
  return observed;
}

/** What was not read must not be taken for absent: a new authority, an empty owned.json would come of it. */
function checkWhole(host: string, seen: Observed, exitCode: number): void {
  const unread = Object.entries(seen.paths).find(([, state]) => state.type === 'file' && state.sha256 === undefined);
  const wrong =
    exitCode !== 0
      ? `the probe ended with ${String(exitCode)}`
      : seen.paths['/']?.type !== 'directory'
        ? 'no path could be read'
        : unread && `${unread[0]} could not be read`;
  if (wrong === undefined) return;
  throw new McpkError('unreachable', `${host}: what is there is not known: ${wrong}`, {
    host,
    hint: 'Nothing was changed. See whether stat and sha256sum work there (memory, disk, processes), then run again.',
  });
}
