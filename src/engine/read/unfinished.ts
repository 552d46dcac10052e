import type { OwedUndo } from '../../cluster/facts.ts';
import { span } from '../../core/duration.ts';
import { PATHS } from '../../core/paths.ts';
import { answersOf } from '../hosts/reader.ts';
import type { EngineInput } from '../input.ts';
import { ASK_LOCK, isLocked } from '../past/journals.ts';
import { parseJournal, wordsOf } from '../past/journal-lines.ts';
import { owedOf } from '../past/owed-lines.ts';
import { runOnHost } from '../past/past-runs.ts';
import type { PastRunOnHost } from '../past/past-types.ts';
import type { Opened } from './open.ts';

/** Lines of the journal's end that count to tell where the run was. */
const TAIL = 500;

export interface Unfinished {
  /** Hosts on which a run was cut off. */
  cutOff: string[];
  /** What such runs left undone there. */
  owed: OwedUndo[];
}

type Looked = Pick<Opened, 'reader' | 'facts' | 'exclusive' | 'since'>;

interface Found {
  host: string;
  /** `20261122T140211Z-3f9a (root@ops1, apply)` */
  run: string;
  seen: PastRunOnHost;
  agoMs: number;
  owed: OwedUndo[];
}

/**
 * Says which runs before this one are not over on which hosts, and where they were seen last. Costs nothing where no
 * host has the mark of one.
 */
export async function tellUnfinished(input: EngineInput, opened: Looked): Promise<Unfinished> {
  const marked = [...opened.facts.hosts].flatMap(([host, facts]) => (facts.unfinished ? [host] : []));
  const found = await Promise.all(marked.map((host) => lookAt(host, opened, input.signal)));
  // Where it had written down its end it was not cut off: it left the mark for what is owed, or could not take it away.
  const open = found.filter(({ seen }) => seen.exitCode === undefined);
  for (const [message, hosts] of Map.groupBy(open, (each) => textOf(each, input)))
    input.emit({
      at: opened.since(),
      type: 'warning',
      message: `${hosts.map(({ host }) => host).join(', ')}: ${message}`,
    });
  const underWay = found.filter(({ seen }) => seen.result === 'under way').map(({ host }) => host);
  return {
    cutOff: marked.filter((host) => !underWay.includes(host)),
    owed: found.filter(({ host }) => !underWay.includes(host)).flatMap((each) => each.owed),
  };
}

async function lookAt(host: string, { reader, facts, exclusive }: Looked, signal: AbortSignal): Promise<Found> {
  const commands = [
    { argv: ['cat', PATHS.unfinished] },
    { argv: ['tail', '-n', `${TAIL}`, PATHS.journal] },
    ...ASK_LOCK,
  ];
  const asks = commands.map((command) => ({ host, ...command }));
  const [mark, tail, ...lock] = await answersOf(reader, asks, signal);
  const [run = '', who = '', command = ''] = wordsOf(mark?.stdout ?? '');
  // A host may send more than it was asked for.
  const all = parseJournal(tail?.stdout ?? '').slice(-TAIL);
  const lines = all.filter((line) => line.run === run);
  // Under our own lock nobody else is at work.
  const seen = runOnHost(host, lines, !exclusive && isLocked(lock));
  const now = Date.now() + (facts.hosts.get(host)?.clockSkewMs ?? 0);
  return { host, run: `${run} (${who}, ${command})`, seen, agoMs: now - seen.endedAt, owed: owedOf(host, all) };
}

function textOf({ run, seen, agoMs }: Found, { selection, command }: EngineInput): string {
  const at = seen.where === undefined ? '' : ` ${seen.where}`;
  if (seen.result === 'under way') return `run ${run} is under way${at}`;
  const ago = seen.endedAt === 0 ? '' : ` ${span(agoMs)} ago`;
  const next =
    selection.only || selection.skip
      ? 'an apply of all stages finishes it'
      : command === 'apply'
        ? 'this run finishes it'
        : 'apply finishes it';
  return `run ${run} was cut off${at}${ago}; ${next}`;
}
