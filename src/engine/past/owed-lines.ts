import type { OwedUndo } from '../../cluster/facts.ts';
import { parseForeignJson } from '../../core/json.ts';
import type { JournalLine } from './journal-lines.ts';

/** The words of an `owed` line: a command is one word, so that none of its own can be lost. */
export function owedWords(stage: string, undo: readonly string[]): string[] {
  return [stage, JSON.stringify(undo)];
}

/** What is owed at the end of a host's journal. A run that came to its end told what it left. */
export function owedOf(host: string, lines: readonly JournalLine[]): OwedUndo[] {
  let owed: OwedUndo[] = [];
  for (const { event, words } of lines) {
    const [stage = '', command = ''] = words;
    if (event === 'result') owed = [];
    if (event === 'settled') owed = owed.filter((each) => each.stage !== stage);
    const run = event === 'owed' ? argvOf(command) : undefined;
    if (run) owed = [...owed.filter((each) => each.stage !== stage || !isSame(each.run, run)), { stage, host, run }];
  }
  return owed;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function argvOf(text: string): string[] | undefined {
  try {
    const argv = parseForeignJson(text);
    return Array.isArray(argv) && argv.length > 0 && argv.every((word) => typeof word === 'string') ? argv : undefined;
  } catch {
    return undefined;
  }
}
