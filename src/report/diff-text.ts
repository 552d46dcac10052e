import { structuredPatch } from 'diff';
import { clean, paint, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

export interface DiffOptions {
  /** Columns before each line. */
  indent: number;
  /** Lines of a new file that are shown; the rest is told by a count. */
  newLines: number;
}

/** A unified diff without the two lines of file names, which stand above it anyway. */
export function renderDiff(diff: { before: string; after: string }, theme: Theme, options: DiffOptions): string[] {
  const patch = structuredPatch('a', 'b', diff.before, diff.after, undefined, undefined, { context: 2 });
  const isNew = diff.before === '';
  const body = patch.hunks.flatMap((hunk) => [
    ...(isNew ? [] : [`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`]),
    ...hunk.lines.filter((line) => !line.startsWith('\\')),
  ]);
  const hidden = isNew ? body.length - options.newLines : 0;
  const shown = hidden > 1 ? body.slice(0, options.newLines) : body;
  const lines = shown.flatMap((line) => renderLine(clean(line), theme, options.indent));
  if (hidden > 1)
    lines.push(
      `${' '.repeat(options.indent)}${paint(theme, 'dim', `${theme.unicode ? '…' : '...'} ${hidden} more lines: --verbose`)}`,
    );
  return lines;
}

function renderLine(line: string, theme: Theme, indent: number): string[] {
  const sign = line.slice(0, 1);
  const style = sign === '+' ? 'green' : sign === '-' ? 'red' : 'dim';
  const text = sign === '@' ? line : `${sign} ${line.slice(1)}`;
  return wrap(theme, ' '.repeat(indent) + text, indent + 2).map((part) => paint(theme, style, part.trimEnd()));
}
