import { McpkError } from '../core/errors.ts';

/** One thing that is wrong in an inventory, and where. */
export interface Mistake {
  file: string;
  /** From 1; 0 when the file as a whole is meant. */
  line: number;
  column: number;
  /** `hosts[2].roles[0]`; empty for the file as a whole. */
  path: string;
  message: string;
  /** The nearest valid word, or what to write instead. */
  suggestion?: string;
  /** The line of the file, where YAML itself could not be read. */
  snippet?: string;
}

/** More lines than anybody reads push away what else was said. */
const MOST_SHOWN = 100;

/** In place of a list of settings to correct. */
interface Words {
  readonly message?: string;
  readonly hint?: string;
}

/** All mistakes of an inventory at once; exit code 10. */
export class InventoryError extends McpkError {
  readonly mistakes: readonly Mistake[];

  /** `order`: the files as the user named them. `words`: others than those for settings to correct. */
  constructor(mistakes: readonly Mistake[], order: readonly string[] = [], words: Words = {}) {
    const sorted = inOrder(mistakes, order);
    const files = new Set(sorted.map((mistake) => mistake.file));
    const count = sorted.length === 1 ? '1 mistake' : `${String(sorted.length)} mistakes`;
    const more = sorted.length > MOST_SHOWN ? [`and ${sorted.length - MOST_SHOWN} more: --json has them all`] : [];
    super('invalid', words.message ?? `${count} in ${printable([...files].join(', '), 300)}`, {
      details: words.message === undefined ? [...sorted.slice(0, MOST_SHOWN).flatMap(formatMistake), ...more] : [],
      hint: words.hint ?? 'Correct the inventory and check it with: mcpk validate',
    });
    this.mistakes = sorted;
  }

  override toJSON(): ReturnType<McpkError['toJSON']> & { mistakes: readonly Mistake[] } {
    return { ...super.toJSON(), mistakes: this.mistakes };
  }
}

/** By their places, the files as the user named them. */
export function inOrder(mistakes: readonly Mistake[], files: readonly string[]): Mistake[] {
  const rank = ({ file }: Mistake): number => files.indexOf(file);
  return [...mistakes].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}

/** `lab.yaml:14:13 hosts[2].roles[0]: "masterr" is not … (did you mean master?)`, and the line of the file below it. */
export function formatMistake(mistake: Mistake): string[] {
  const place = mistake.line > 0 ? `:${String(mistake.line)}:${String(mistake.column)}` : '';
  const path = mistake.path === '' ? '' : ` ${mistake.path}`;
  const suggestion = mistake.suggestion === undefined ? '' : `; did you mean ${mistake.suggestion}?`;
  const snippet = mistake.snippet === undefined ? [] : mistake.snippet.split('\n');
  return [`${printable(mistake.file, 300)}${place}${path}: ${mistake.message}${suggestion}`, ...snippet];
}

/** Control and direction characters (a terminal would obey them) replaced, a tab by an arrow, long text cut. */
export function printable(text: string, longest = 80): string {
  const plain = text.replaceAll('\t', '→').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\uFFFD');
  const points = [...plain];
  return points.length <= longest ? plain : `${points.slice(0, longest - 1).join('')}…`;
}

/** A path as people write it: `hosts[2].labels["a/b"]`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${String(part)}]`;
      if (!/^[A-Za-z_][\w-]*$/.test(part)) return `[${JSON.stringify(printable(part))}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}
