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

/**
 * Breaks `text` so that no line is wider than the terminal; following lines are indented by `indent`. Words longer
 * than a line are broken too. Uncoloured text only: color the result.
 */
export function wrap(theme: Theme, text: string, indent = 0): string[] {
  const columns = theme.columns;
  if (columns === undefined || width(text) <= columns) return [text];
  const lines: string[] = [];
  let line = '';
  const room = (): number => columns - (lines.length === 0 ? 0 : indent);
  const push = (): void => {
    lines.push((lines.length === 0 ? '' : ' '.repeat(indent)) + line.trimEnd());
    line = '';
  };
  for (const word of text.split(/(?<= )/)) {
    if (width(line) + width(word.trimEnd()) > room() && line.trim() !== '') push();
    let rest = word;
    while (width(line) + width(rest.trimEnd()) > room() && room() > width(line)) {
      const characters = [...rest];
      const fits = room() - width(line);
      line += characters.slice(0, fits).join('');
      rest = characters.slice(fits).join('');
      push();
    }
    line += rest;
  }
  if (line.trim() !== '') push();
  return lines;
}
