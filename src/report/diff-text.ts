import { structuredPatch } from 'diff';
import { clean, paint, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

export interface Diff {
  before: string;
  after: string;
}

export interface DiffOptions {
  /** Columns before each line. */
  indent: number;
  /** Lines of a new file that are shown; the rest is told by a count. */
  newLines: number;
}

/** What of a diff is a change: two files that differ only around it have got the same one. */
export function changeOf(diff: Diff): string {
  const lines = hunksOf(diff).flatMap((hunk) => [
    '@',
    ...hunk.lines.map((line) => (line.startsWith(' ') ? ' ' : line)),
  ]);
  return lines.join('\n');
}

/**
 * A unified diff without the two lines of file names, which stand above it anyway. Of several files with the same
 * change, lines around it that are not the same in all of them are left out.
 */
export function renderDiff(diffs: readonly [Diff, ...Diff[]], theme: Theme, options: DiffOptions): string[] {
  const isNew = diffs[0].before === '';
  const body = bodyOf(diffs, isNew, theme.unicode ? '…' : '...');
  const hidden = isNew ? body.length - options.newLines : 0;
  const shown = hidden > 1 ? body.slice(0, options.newLines) : body;
  const lines = shown.flatMap((line) => renderLine(clean(line), theme, options.indent));
  const more = `${theme.unicode ? '…' : '...'} ${hidden} more lines: --verbose`;
  return hidden > 1 ? [...lines, ' '.repeat(options.indent) + paint(theme, 'dim', more)] : lines;
}

type Hunk = ReturnType<typeof structuredPatch>['hunks'][number];

function hunksOf(diff: Diff): Hunk[] {
  const { hunks } = structuredPatch('a', 'b', diff.before, diff.after, undefined, undefined, { context: 2 });
  return hunks.map((hunk) => ({ ...hunk, lines: hunk.lines.filter((line) => !line.startsWith('\\')) }));
}

function bodyOf(diffs: readonly [Diff, ...Diff[]], isNew: boolean, gap: string): string[] {
  const [first, ...others] = diffs;
  const more = others.map(hunksOf);
  return hunksOf(first).flatMap((hunk, at) => {
    const same = more.map((hunks) => hunks[at]);
    const placed = same.every((other) => other?.oldStart === hunk.oldStart && other.newStart === hunk.newStart);
    const place = placed ? ` -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines}` : '';
    const lines = hunk.lines.map((line, index) =>
      same.every((other) => other?.lines[index] === line) ? line : ` ${gap}`,
    );
    return isNew ? lines : [`@@${place} @@`, ...lines];
  });
}

function renderLine(line: string, theme: Theme, indent: number): string[] {
  const sign = line.slice(0, 1);
  const style = sign === '+' ? 'green' : sign === '-' ? 'red' : 'dim';
  const text = sign === '@' ? line : `${sign} ${line.slice(1)}`;
  return wrap(theme, ' '.repeat(indent) + text, indent + 2).map((part) => paint(theme, style, part.trimEnd()));
}
