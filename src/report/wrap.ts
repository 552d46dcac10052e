import { width, type Theme } from './theme.ts';

/** Cuts to the terminal's width, with a sign that something was cut. Escape sequences are kept whole. */
export function truncate(theme: Theme, text: string): string {
  const columns = theme.columns;
  if (columns === undefined || width(text) <= columns) return text;
  const more = theme.unicode ? '…' : '...';
  let room = Math.max(0, columns - more.length);
  let cut = '';
  for (const part of text.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b')) {
      cut += part;
      continue;
    }
    const characters = [...part];
    cut += characters.slice(0, room).join('');
    room = Math.max(0, room - characters.length);
  }
  return cut + more;
}

/** Each with the escape sequences around it. */
const LETTERS = /(?:\u001b\[[0-9;]*m)*[^\u001b](?:\u001b\[[0-9;]*m)*/gu;

/**
 * Breaks `text` so that no line is wider than the terminal; following lines are indented by `indent`. Words longer
 * than a line are broken too. Colour goes on over the end of a line.
 */
export function wrap(theme: Theme, text: string, indent = 0): string[] {
  const columns = theme.columns;
  if (columns === undefined || width(text) <= columns) return [text];
  const lines: string[] = [];
  // Characters, as what stands in pairs must not be broken, and how many of them are no blanks at the end.
  let line: string[] = [];
  const room = (): number => columns - (lines.length === 0 ? 0 : indent);
  const push = (): void => {
    lines.push((lines.length === 0 ? '' : ' '.repeat(indent)) + line.join('').trimEnd());
    line = [];
  };
  for (const word of text.split(/(?<= )/)) {
    const letters = word.match(LETTERS) ?? [];
    const length = word.endsWith(' ') ? letters.length - 1 : letters.length;
    if (line.length + length > room() && line.some((each) => each !== ' ')) push();
    let from = 0;
    while (line.length + length - from > room() && room() > line.length) {
      const fits = room() - line.length;
      line.push(...letters.slice(from, from + fits));
      from += fits;
      push();
    }
    // Blanks beyond the edge are not seen.
    if (line.length < columns || length > 0) line.push(...letters.slice(from));
  }
  if (line.some((each) => each !== ' ')) push();
  return lines;
}
