import { failure, McpkError } from '../../core/errors.ts';
import { askedFor, connectHosts } from '../hosts/fleet.ts';
import { readerOf } from '../hosts/reader.ts';
import type { EngineInput } from '../input.ts';
import { readJournals } from '../past/journals.ts';
import { pastRuns } from '../past/past-runs.ts';
import type { History, PastRun } from '../past/past-types.ts';
import { runNamed } from '../past/run-named.ts';

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

/** So many are named where another one was asked for. */
const LAST = 5;

/** The run that a user means by its name, or by its last characters. Throws `refused`. */
export function pastRun({ runs }: Pick<History, 'runs'>, wanted: string): PastRun {
  const names = runs.map(({ run }) => run);
  const name = runNamed(wanted, names);
  const found = runs.find(({ run }) => run === name);
  if (found) return found;
  const last = names.slice(-LAST).join(', ');
  throw new McpkError('refused', `no run ends with ${JSON.stringify(wanted)}`, {
    hint: last === '' ? 'No run has changed these hosts.' : `The last ones are ${last}.`,
  });
}
