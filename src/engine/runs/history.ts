import { failure } from '../../core/errors.ts';
import { askedFor, connectHosts } from '../hosts/fleet.ts';
import { readerOf } from '../hosts/reader.ts';
import type { EngineInput } from '../input.ts';
import { readJournals } from '../past/journals.ts';
import { pastRuns } from '../past/past-runs.ts';
import type { History } from '../past/past-types.ts';

/** `mcpk history`: one round trip to each selected host. Throws when none of them answers. */
export async function readHistory(input: EngineInput): Promise<History> {
  const { emit, signal } = input;
  const hosts = askedFor(input);
  const { fleet, since } = await connectHosts(input, { hosts, lock: 'none' });
  try {
    const unreachable = [...fleet.unreachable.values()];
    const [first, ...rest] = unreachable;
    if (fleet.sessions.size === 0 && first) throw failure([first, ...rest]);
    emit({ at: since(), type: 'phase', name: 'gather', state: 'start' });
    const reader = readerOf(fleet, signal);
    const reached = hosts.flatMap(({ name }) => (reader.reaches(name) ? [name] : []));
    return { runs: pastRuns(await readJournals(reader, reached, signal)), unreachable };
  } finally {
    await fleet.close();
  }
}
