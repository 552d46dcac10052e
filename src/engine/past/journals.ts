import type { Answer } from '../../cluster/gate.ts';
import { linesOf } from '../../core/lines.ts';
import { PATHS } from '../../core/paths.ts';
import { answersOf, type Reader } from '../hosts/reader.ts';
import { parseJournal } from './journal-lines.ts';
import type { HostJournal } from './past-runs.ts';

/** All that these hosts remember of runs: one question to each. Throws as {@link answersOf}. */
export async function readJournals(
  reader: Reader,
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, HostJournal>> {
  const read = { argv: ['cat', '--', `${PATHS.journal}.1`, PATHS.journal] };
  const journals = hosts.map(async (host): Promise<[string, HostJournal]> => {
    const asks = [read, ...ASK_LOCK].map((each) => ({ host, ...each }));
    const [journal, ...lock] = await answersOf(reader, asks, signal);
    return [host, { lines: parseJournal(journal?.stdout ?? ''), locked: isLocked(lock) }];
  });
  return new Map(await Promise.all(journals));
}

/** Looks whether the lock is held, without trying it: someone else may be just about to take it. */
export const ASK_LOCK: readonly { argv: string[] }[] = [
  { argv: ['stat', '-c', '%i', PATHS.lock] },
  { argv: ['cat', '/proc/locks'] },
];

/** Of the answers to {@link ASK_LOCK}. A line: `1: FLOCK  ADVISORY  WRITE 4711 00:1a:23 0 EOF`. */
export function isLocked([inode, locks]: readonly Pick<Answer, 'exitCode' | 'stdout'>[]): boolean {
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
