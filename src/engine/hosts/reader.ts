import type { Answer, Ask } from '../../cluster/gate.ts';
import { understoodInTurns } from '../../core/answer.ts';
import { McpkError } from '../../core/errors.ts';
import type { Observed, Reads } from '../../resources/types.ts';
import type { SessionRecord } from '../../transport/types.ts';
import { decodingObserved, encodeReads } from '../wire/wire.ts';
import { ask } from './ask.ts';
import type { Fleet } from './fleet.ts';

/** All that a run reads of hosts to make its plan, it reads by this, and changes nothing: in a test it is another. */
export interface Reader {
  /** Whether there is a session with the host. */
  reaches(host: string): boolean;
  /** As {@link ask}. */
  ask(asks: readonly Ask[]): Promise<Answer[]>;
  /**
   * What a host has of all that is asked for, in one request.
   *
   * @throws McpkError `unreachable` when it did not tell all of it
   */
  probe(host: string, reads: Reads): Promise<Observed>;
}

/**
 * What is answered where no answer may be missing.
 *
 * @throws McpkError what ended the session with a host that was asked; the signal's reason when it aborts
 */
export async function answersOf(
  reader: Pick<Reader, 'ask'>,
  asks: readonly Ask[],
  signal: AbortSignal,
): Promise<Answer[]> {
  const answers = await reader.ask(asks);
  signal.throwIfAborted();
  const lost = answers.find((answer) => answer.lost)?.lost;
  if (lost) throw lost;
  return answers;
}

/** The one that reads hosts. */
export function readerOf(fleet: Fleet, signal: AbortSignal): Reader {
  return {
    reaches: (host) => fleet.sessions.has(host),
    ask: (asks) => ask(fleet, asks, signal),
    async probe(host, reads) {
      const records: SessionRecord[] = [];
      const exitCode = await fleet.request(host, 'probe', encodeReads(reads), (record) => records.push(record), signal);
      const seen = await understoodInTurns(host, decodingObserved(records, reads));
      checkWhole(host, seen, exitCode);
      return seen;
    },
  };
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
