import type { JournalLine } from './journal-lines.ts';
import type { JournalEntry, PastResult, PastRun, PastRunOnHost } from './past-types.ts';

export interface HostJournal {
  lines: readonly JournalLine[];
  /** Someone holds the host's lock now. */
  locked: boolean;
}

/** More than two files of 1 MiB have; some dozens of them are of one run. */
const MOST_LINES = 40_000;
const MOST_RUNS = 5000;

/** Runs by their start, the latest last. Pure. */
export function pastRuns(journals: ReadonlyMap<string, HostJournal>): PastRun[] {
  const onHosts = [...journals].flatMap(([host, journal]) => {
    const latest = journal.lines.at(-1)?.run;
    return [...Map.groupBy(journal.lines.slice(-MOST_LINES), (line) => line.run)]
      .slice(-MOST_RUNS)
      .map(([run, lines]) => ({
        run,
        lines,
        own: runOnHost(host, lines, journal.locked && run === latest),
      }));
  });
  return [...Map.groupBy(onHosts, (each) => each.run)]
    .map(([run, parts]) => {
      const hosts = parts.map((part) => part.own);
      const [, who = '', command = '', plan = ''] = parts.flatMap((part) => wordsOf(part.lines, 'run'));
      const result = RESULTS.find((each) => hosts.some((host) => host.result === each)) ?? 'cut off';
      const exitCode = hosts.find((host) => host.result === result)?.exitCode;
      return {
        run,
        who,
        command,
        plan,
        startedAt: Math.min(...hosts.map((host) => host.startedAt)),
        endedAt: Math.max(...hosts.map((host) => host.endedAt)),
        changed: hosts.reduce((sum, host) => sum + host.changed, 0),
        result,
        ...(exitCode === undefined ? {} : { exitCode }),
        hosts,
      };
    })
    .toSorted((a, b) => a.startedAt - b.startedAt);
}

/** What a run came to when its hosts tell different ends: the first of these. */
const RESULTS: readonly PastResult[] = ['under way', 'rolled-back', 'failed', 'interrupted', 'cut off', 'succeeded'];

/** `live`: it is the last run of a host whose lock is held. */
export function runOnHost(host: string, lines: readonly JournalLine[], live: boolean): PastRunOnHost {
  const entries = lines.map(({ at, event, words }) => ({ at, event, words })).toSorted((a, b) => a.at - b.at);
  const [status, exit] = wordsOf(lines, 'result');
  const ended = RESULTS.find((each) => each === status);
  const where = ended === undefined ? whereabouts(entries) : undefined;
  return {
    host,
    fence: wordsOf(lines, 'run')[0] ?? '',
    startedAt: entries[0]?.at ?? 0,
    endedAt: entries.at(-1)?.at ?? 0,
    changed: new Set(entries.flatMap(({ event, words }) => (event === 'done' ? [words.join(' ')] : []))).size,
    result: ended ?? (live ? 'under way' : 'cut off'),
    ...(ended === undefined ? {} : { exitCode: Number(exit) }),
    ...(where ? { where } : {}),
    entries,
  };
}

/**
 * Where the run was seen last. Neighbours are begun together, and done together: the last one that was begun tells it
 * best.
 */
function whereabouts(entries: readonly JournalEntry[]): string | undefined {
  const over = new Set(entries.flatMap(({ event, words }) => (OVER.has(event) ? [words.join(' ')] : [])));
  const open = entries.findLast(({ event, words }) => event === 'begin' && !over.has(words.join(' ')));
  if (open) return `in ${open.words[0] ?? ''} at ${open.words[1] ?? ''}`;
  const last = entries.findLast(({ event }) => event === 'stage' || event === 'end');
  return last && `${last.event === 'end' ? 'after' : 'in'} ${last.words[0] ?? ''}`;
}

const OVER: ReadonlySet<string> = new Set(['done', 'failed', 'interrupted']);

function wordsOf(lines: readonly JournalLine[], event: string): string[] {
  return lines.findLast((line) => line.event === event)?.words ?? [];
}
