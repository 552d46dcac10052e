import { linesOf } from '../../core/lines.ts';
import type { JournalEntry } from './past-types.ts';

/** What the operator's side adds to what converge writes (docs/journal.md). */
export type NoteEvent = 'stage' | 'done' | 'failed' | 'owed' | 'settled' | 'step' | 'gate' | 'result';

export interface JournalLine extends JournalEntry {
  run: string;
}

/** `MS RUN EVENT WORD…`; words are percent-encoded, so that none has a blank. */
export function noteLine(at: number, run: string, event: NoteEvent, words: readonly string[]): string {
  return [at, run, event, encodeWords(words)].join(' ');
}

/** Halves of characters, which a host's JSON may have, are replaced: they can't be encoded. */
export function encodeWords(words: readonly string[]): string {
  return words.map((word) => encodeURIComponent(word.toWellFormed())).join(' ');
}

/** Lines that a power loss cut in two, or that are of another form, are left out. */
export function parseJournal(text: string): JournalLine[] {
  const lines: JournalLine[] = [];
  for (const line of linesOf(text.slice(-MOST_CHARACTERS))) {
    if (line.length < SHORTEST_LINE || line.length > LONGEST_LINE) continue;
    const [at = '', run = '', event = '', ...words] = line.split(' ', MOST_WORDS);
    if (!/^\d{13}$/.test(at) || !/^[\w-]{1,100}$/.test(run) || event === '') continue;
    lines.push({ at: Number(at), run, event, words: words.map(decoded) });
  }
  return lines;
}

/** Both files of a host have 1 MiB and one run more at most; of more, the end counts. */
const MOST_CHARACTERS = 2.25 * 1024 * 1024;
const SHORTEST_LINE = '1700000000000 r e'.length;
const LONGEST_LINE = 8192;
const MOST_WORDS = 16;

/** Percent-encoded words of a line. */
export function wordsOf(line: string): string[] {
  return line.slice(0, LONGEST_LINE).trim().split(' ', MOST_WORDS).map(decoded);
}

function decoded(word: string): string {
  if (!word.includes('%')) return word;
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
