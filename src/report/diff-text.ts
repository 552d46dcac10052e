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

/** Of a host's file: finding what two texts share takes time by the product of what they don't. */
const MOST_CHARACTERS = 512 * 1024;
const MOST_LINES = 10_000;
const MOST_EDITS = 1000;

function hunksOf(diff: Diff): Hunk[] {
  const { before, after } = diff;
  if (before === '') return [replaced(0, linesOf(after))];
  const known = before.length <= MOST_CHARACTERS && fewer(before) && fewer(after);
  const options = { context: 2, maxEditLength: MOST_EDITS };
  const patch = known ? structuredPatch('a', 'b', before, after, undefined, undefined, options) : undefined;
  if (patch === undefined) return [replaced(1, linesOf(after), ['- (all of what is there: too much to compare)'])];
  return patch.hunks.map((hunk) => ({ ...hunk, lines: hunk.lines.filter((line) => !line.startsWith('\\')) }));
}

function replaced(oldStart: number, lines: readonly string[], old: readonly string[] = []): Hunk {
  const added = lines.map((line) => `+${line}`);
  return { oldStart, oldLines: old.length, newStart: 1, newLines: lines.length, lines: [...old, ...added] };
}

function linesOf(text: string): string[] {
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

function fewer(text: string): boolean {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0 && lines <= MOST_LINES; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines <= MOST_LINES;
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
