import { McpkError } from '../../core/errors.ts';
import type { Fleet } from '../hosts/fleet.ts';
import { encodeWords, noteLine, type NoteEvent } from '../past/journal-lines.ts';
import { API } from '../../core/places.ts';
import type { Event } from '../types.ts';
import { encodeNotes } from '../wire/wire-converge.ts';

/** How long a host may take to write down that the run is over: the user waits for it. */
const CLOSE_MS = 10_000;

/** What a run writes into the journals of the hosts beside what converge itself writes there. */
export interface Journal {
  /** What a host's journal says of the run, as converge wants it. */
  readonly caller: string;
  /** Keeps a line for the host until something is sent there anyway, at the latest when the run ends. */
  note(host: string, event: NoteEvent, ...words: readonly string[]): void;
  /** The lines kept for the host, to go with its next stream. */
  take(host: string): string[];
  /**
   * Sends the lines kept for the host.
   * @throws McpkError `locked` when another run has taken the host over
   */
  send(host: string): Promise<void>;
  /** Notes what of the run is worth a line: steps, gates. */
  hear(event: Event): void;
  /**
   * The run is over: on all hosts that it changed, and on `also`, where a run before it was cut off. Hosts of `owing`
   * keep the mark of one that was: what it owes there is still to be done.
   */
  close(failures: readonly McpkError[], also: readonly string[], owing: ReadonlySet<string>): Promise<void>;
}

export interface JournalInput {
  run: string;
  who: string;
  command: string;
  planHash: string;
  fleet: Fleet;
  /** Names of all hosts of the run. */
  hosts: readonly string[];
  /** Host's clock minus ours, ms. */
  skew(host: string): number;
  signal: AbortSignal;
}

export function createJournal(input: JournalInput): Journal {
  const { run, fleet } = input;
  const kept = new Map<string, string[]>();
  const hosts = new Set<string>();
  const changed = new Map<string, Set<string>>();
  const caller = encodeWords([input.who, input.command, input.planHash]);
  const take = (host: string): string[] => {
    hosts.add(host);
    return kept.get(host)?.splice(0) ?? [];
  };
  const request = async (host: string, close: boolean, signal: AbortSignal): Promise<void> => {
    const body = encodeNotes({ run, caller, notes: take(host) }, close);
    const exitCode = await fleet.request(host, 'converge', body, () => undefined, signal);
    if (exitCode === 13) throw takenOver(host);
  };
  const note: Journal['note'] = (host, event, ...words) => {
    const at = Math.round(Date.now() + input.skew(host));
    kept.set(host, [...(kept.get(host) ?? []), noteLine(at, run, event, words)]);
  };
  return {
    caller,
    note,
    take,
    send: (host) => request(host, false, input.signal),
    hear(event) {
      if (event.type === 'host-start' && event.host !== API)
        changed.set(event.stage, (changed.get(event.stage) ?? new Set()).add(event.host));
      if (event.type === 'step' && event.status !== 'start')
        note(event.host, 'step', event.stage, event.status, event.title);
      if (event.type === 'gate' && event.status !== 'waiting')
        for (const host of hostsOfGate(event, changed.get(event.stage) ?? new Set(), input.hosts))
          note(host, 'gate', event.stage, event.status, event.title);
    },
    async close(failures, also, owing) {
      const status = statusOf(failures);
      const signal = AbortSignal.timeout(CLOSE_MS);
      // A host that is lost keeps its mark: there the run was cut off.
      await Promise.all(
        [...new Set([...kept.keys(), ...hosts, ...also])].map(async (host) => {
          note(host, 'result', status, String(failures[0]?.exitCode ?? 0));
          await request(host, !owing.has(host), signal).catch(() => undefined);
        }),
      );
    },
  };
}

/** Of the hosts that the stage changed those that a gate names; all of them when it names none, or does not hold. */
function hostsOfGate(
  { title, status }: Extract<Event, { type: 'gate' }>,
  changed: ReadonlySet<string>,
  hosts: readonly string[],
): Iterable<string> {
  const words = new Set(title.split(/[^\w.-]+/));
  if (status === 'failed' || !hosts.some((host) => words.has(host))) return changed;
  return [...changed].filter((host) => words.has(host));
}

export function takenOver(host: string): McpkError {
  return new McpkError('locked', `${host}: another run has taken the lock; this one changes nothing more there`, {
    host,
    hint: 'mcpk history shows what either did.',
  });
}

function statusOf(failures: readonly McpkError[]): string {
  const [first] = failures;
  if (!first) return 'succeeded';
  if (first.code === 'interrupted') return 'interrupted';
  return first.code === 'rolledBack' ? 'rolled-back' : 'failed';
}
