import { failure } from '../../core/errors.ts';
import { linesOf } from '../../core/lines.ts';
import { PATHS } from '../../core/paths.ts';
import { openFleet, type CommandResult, type Fleet } from '../hosts/fleet.ts';
import type { EngineInput } from '../input.ts';
import { parseJournal } from './journal-lines.ts';
import { pastRuns, type HostJournal } from './past-runs.ts';
import type { History } from './past-types.ts';

/** `mcpk history`: one round trip to each selected host. Throws when none of them answers. */
export async function readHistory(input: EngineInput): Promise<History> {
  const { limit } = input.selection;
  const hosts = input.cluster.hosts.filter((host) => limit?.has(host.name) ?? true);
  const started = performance.now();
  const since = (): number => performance.now() - started;
  const { command, cluster, emit } = input;
  emit({ at: 0, type: 'run-start', command, cluster: cluster.name, hosts: hosts.map(({ name }) => name), stages: [] });
  emit({ at: 0, type: 'phase', name: 'connect', state: 'start' });
  const fleet = await openFleet(hosts, { ...input, lock: 'none', since });
  try {
    const unreachable = [...fleet.unreachable.values()];
    const [first, ...rest] = unreachable;
    if (fleet.sessions.size === 0 && first) throw failure([first, ...rest]);
    emit({ at: since(), type: 'phase', name: 'gather', state: 'start' });
    const journals = await Promise.all(
      hosts
        .filter(({ name }) => fleet.sessions.has(name))
        .map(async ({ name }) => [name, await readJournal(fleet, name, input.signal)] as const),
    );
    return { runs: pastRuns(new Map(journals)), unreachable };
  } finally {
    await fleet.close();
  }
}

async function readJournal(fleet: Fleet, host: string, signal: AbortSignal): Promise<HostJournal> {
  const files = [`${PATHS.journal}.1`, PATHS.journal];
  const [journal, ...lock] = await fleet.exec(host, [{ argv: ['cat', '--', ...files] }, ...ASK_LOCK], signal);
  return { lines: parseJournal(journal?.stdout ?? ''), locked: isLocked(lock) };
}

/** Looks whether the lock is held, without trying it: someone else may be just about to take it. */
export const ASK_LOCK: readonly { argv: string[] }[] = [
  { argv: ['stat', '-c', '%i', PATHS.lock] },
  { argv: ['cat', '/proc/locks'] },
];

/** Of the answers to {@link ASK_LOCK}. A line: `1: FLOCK  ADVISORY  WRITE 4711 00:1a:23 0 EOF`. */
export function isLocked([inode, locks]: readonly CommandResult[]): boolean {
  if (!inode || inode.exitCode !== 0) return false;
  const file = inode.stdout.slice(0, LONGEST_LINE).trim();
  for (const line of linesOf((locks?.stdout ?? '').slice(0, MOST_CHARACTERS))) {
    const [, kind, , mode, , place = ''] = line.slice(0, LONGEST_LINE).split(/ +/);
    if (kind === 'FLOCK' && mode === 'WRITE' && file !== '' && file === place.split(':')[2]) return true;
  }
  return false;
}

/** The kernel's have less than 100 characters. */
const LONGEST_LINE = 1024;
const MOST_CHARACTERS = 1024 * 1024;
