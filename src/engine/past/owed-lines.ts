import type { OwedUndo } from '../../cluster/facts.ts';
import { parseForeignJson } from '../../core/json.ts';
import type { JournalLine } from './journal-lines.ts';

/** The words of an `owed` line: a command is one word, so that none of its own can be lost. */
export function owedWords(stage: string, undo: readonly string[]): string[] {
  return [stage, JSON.stringify(undo)];
}

/** A stage stops a unit or two of a host at a time; of more, the last ones count. */
const MOST_OWED = 16;

/**
 * What is owed at the end of a host's journal. A run that came to its end told what it left itself, but need not have
 * seen to what one before it left.
 */
export function owedOf(host: string, lines: readonly JournalLine[]): OwedUndo[] {
  const owed = new Map<string, { by: string; undo: OwedUndo }>();
  for (const { run: by, event, words } of lines) {
    const [stage = '', command = ''] = words;
    for (const [key, each] of owed)
      if ((event === 'result' && each.by === by) || (event === 'settled' && each.undo.stage === stage))
        owed.delete(key);
    const run = event === 'owed' ? argvOf(command) : undefined;
    if (!run) continue;
    const key = JSON.stringify([stage, ...run]);
    owed.delete(key);
    owed.set(key, { by, undo: { stage, host, run } });
    const [oldest] = owed.keys();
    if (owed.size > MOST_OWED && oldest !== undefined) owed.delete(oldest);
  }
  return [...owed.values()].map(({ undo }) => undo);
}

function argvOf(text: string): string[] | undefined {
  try {
    const argv = parseForeignJson(text);
    return Array.isArray(argv) && argv.length > 0 && argv.every((word) => typeof word === 'string') ? argv : undefined;
  } catch {
    return undefined;
  }
}
