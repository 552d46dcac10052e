/** As much of a terminal as mcpk's views and questions use: text, colors, carriage return, cursor up and to a column, erase. */

export interface Cell {
  text: string;
  style: string;
}

/** The lines that stand on the screen, scrolled ones included, after all of `output` was written to it. */
export function screenAfter(output: string): Cell[][] {
  const lines: Cell[][] = [[]];
  let row = 0;
  let column = 0;
  let styles: string[] = [];
  for (const part of output.split(/(\u001b\[[0-9;?]*[A-Za-z]|\r|\n)/)) {
    const control = /^\u001b\[([0-9;?]*)([A-Za-z])$/.exec(part);
    if (part === '\r') column = 0;
    else if (part === '\n') {
      row += 1;
      lines[row] ??= [];
    } else if (control) {
      const [, words = '', letter] = control;
      if (letter === 'G') column = Number(words || 1) - 1;
      if (letter === 'A') row = Math.max(0, row - Number(words || 1));
      if (letter === 'K') lines[row] = [];
      if (letter === 'J') {
        lines[row] = (lines[row] ?? []).slice(0, column);
        lines.length = row + 1;
      }
      if (letter === 'm') styles = styled(styles, words);
    } else {
      for (const text of part) {
        const line = (lines[row] ??= []);
        while (line.length < column) line.push({ text: ' ', style: '' });
        line[column] = { text, style: styles.join(' ') };
        column += 1;
      }
    }
  }
  while (lines.length > 0 && lines.at(-1)?.every((cell) => cell.text === ' ')) lines.pop();
  return lines;
}

/** What stands there, without colors. */
export function textOf(lines: readonly (readonly Cell[])[]): string {
  return lines
    .map((line) =>
      line
        .map(({ text }) => text)
        .join('')
        .trimEnd(),
    )
    .join('\n');
}

const STYLES: Readonly<Record<string, string>> = {
  1: 'bold',
  2: 'dim',
  31: 'red',
  32: 'green',
  33: 'yellow',
  36: 'cyan',
};

function styled(before: readonly string[], words: string): string[] {
  let styles = [...before];
  for (const word of (words || '0').split(';')) {
    const style = STYLES[word];
    if (word === '0') styles = [];
    else if (word === '22') styles = styles.filter((name) => name !== 'bold' && name !== 'dim');
    else if (word === '39') styles = styles.filter((name) => name === 'bold' || name === 'dim');
    else if (style !== undefined) styles.push(style);
  }
  return styles;
}
