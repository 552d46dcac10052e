import type { JournalEntry } from './past-types.ts';

/** What the operator's side adds to what converge.sh writes (docs/journal.md). */
export type NoteEvent = 'stage' | 'done' | 'failed' | 'step' | 'gate' | 'result';

export interface JournalLine extends JournalEntry {
  run: string;
}

/** `MS RUN EVENT WORD…`; words are percent-encoded, so that none has a blank. */
export function noteLine(at: number, run: string, event: NoteEvent, words: readonly string[]): string {
  return [at, run, event, ...words.map(encodeURIComponent)].join(' ');
}

/** Lines that a power loss cut in two, or that are of another form, are left out. */
export function parseJournal(text: string): JournalLine[] {
  return text.split('\n').flatMap((line) => {
    const [at = '', run = '', event = '', ...words] = line.split(' ');
    if (!/^\d{13}$/.test(at) || !/^[\w-]+$/.test(run) || event === '') return [];
    return [{ at: Number(at), run, event, words: words.map(decoded) }];
  });
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
