/**
 * `node scripts/bootstrap.mjs scripts/record.ts FILE.svg CMD…`: runs a command on a terminal of 92 columns (on the
 * operator's side of the lab) and draws what stands there at its end.
 */
import { writeFile } from 'node:fs/promises';
import { onOperatorSide, operatorEnvironment } from '../lab/operator.ts';
import { screenAfter, type Cell } from './screen.ts';
import { COLUMNS, onTerminal } from './terminal.ts';

const CHARACTER = 8.43; // px, of a 14 px monospace font
const LINE = 19; // px
const MARGIN = 18; // px

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function spans(line: readonly Cell[]): string {
  const runs: Cell[] = [];
  for (const cell of line) {
    const last = runs.at(-1);
    if (last?.style === cell.style) last.text += cell.text;
    else runs.push({ ...cell });
  }
  return runs
    .map(({ text, style }) => (style === '' ? escape(text) : `<tspan class="${style}">${escape(text)}</tspan>`))
    .join('');
}

function svg(lines: readonly Cell[][], title: string): string {
  const width = Math.ceil(COLUMNS * CHARACTER + 2 * MARGIN);
  const height = lines.length * LINE + 2 * MARGIN;
  const texts = lines.map(
    (line, index) => `<text x="${MARGIN}" y="${MARGIN + 14 + index * LINE}">${spans(line)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">
<style>
text { font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #d8dee9; white-space: pre; }
.bold { font-weight: bold; } .dim { opacity: .6; } .red { fill: #ff7b72; } .green { fill: #7ee787; } .yellow { fill: #f2cc60; } .cyan { fill: #79c0ff; }
</style>
<rect width="100%" height="100%" rx="8" fill="#161b22"/>
${texts.join('\n')}
</svg>
`;
}

const [file, ...argv] = process.argv.slice(2);
if (file === undefined || argv.length === 0) {
  process.stderr.write('usage: record.ts FILE.svg CMD…\n');
  process.exitCode = 64;
} else {
  const prompt = [...`$ ${argv.join(' ')}`].map((text) => ({ text, style: 'bold' }));
  const { code, output } = await onTerminal(onOperatorSide(argv), {
    env: { ...process.env, ...operatorEnvironment() },
  });
  if (code !== 0 && code !== 2) process.stderr.write(`${argv[0] ?? ''} exited ${String(code)}\n`);
  const lines = screenAfter(output);
  await writeFile(file, svg([prompt, [], ...lines], argv.join(' ')));
}
