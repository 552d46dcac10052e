/** Lines over points, as an SVG that reads in light and dark. Pure. */
export interface Series {
  name: string;
  points: readonly { x: number; y: number }[];
}

export interface Plot {
  title: string;
  x: string;
  y: string;
  series: readonly Series[];
}

const SIZE = { width: 760, height: 420, left: 64, right: 190, top: 44, bottom: 48 };
const COLOURS = ['#2f6fed', '#d9730d', '#2a9d62', '#a045c9'];

export function drawPlot({ title, x, y, series }: Plot): string {
  const points = series.flatMap((each) => each.points);
  const top = {
    x: Math.max(...points.map((point) => point.x)),
    y: roundUp(Math.max(...points.map((point) => point.y))),
  };
  const across = SIZE.width - SIZE.left - SIZE.right;
  const down = SIZE.height - SIZE.top - SIZE.bottom;
  const at = (point: { x: number; y: number }): [number, number] => [
    SIZE.left + (point.x / top.x) * across,
    SIZE.top + down - (point.y / top.y) * down,
  ];
  const [right, bottom] = at({ x: top.x, y: 0 });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const [left, height] = at({ x: 0, y: part * top.y });
    return `<path class="rule" d="M${n(left)} ${n(height)}H${n(right)}"/><text x="${n(left - 8)}" y="${n(height + 4)}" text-anchor="end">${n(part * top.y)}</text>`;
  });
  const places = [...new Set(points.map((point) => point.x))].map((value) => {
    const [left] = at({ x: value, y: 0 });
    return `<text x="${n(left)}" y="${n(bottom + 18)}" text-anchor="middle">${n(value)}</text>`;
  });
  const lines = series.map((each, index) => drawSeries(each, COLOURS[index % COLOURS.length] ?? '', at));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(SIZE.width)} ${String(SIZE.height)}" role="img" aria-label="${escape(title)}">
<style>text{font:13px system-ui,sans-serif;fill:#24292f}.rule{stroke:#d0d7de}.back{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.rule{stroke:#30363d}.back{fill:#0d1117}}</style>
<rect class="back" width="100%" height="100%"/>
<text x="${n(SIZE.left)}" y="24" font-weight="600">${escape(title)}</text>
${ticks.join('\n')}
${places.join('\n')}
<text x="${n((SIZE.left + right) / 2)}" y="${n(bottom + 38)}" text-anchor="middle">${escape(x)}</text>
<text x="16" y="${n((SIZE.top + bottom) / 2)}" text-anchor="middle" transform="rotate(-90 16 ${n((SIZE.top + bottom) / 2)})">${escape(y)}</text>
${spaced(lines).join('\n')}
</svg>
`;
}

interface Line {
  svg: string;
  name: string;
  colour: string;
  end: [number, number];
}

function drawSeries(
  { name, points }: Series,
  colour: string,
  at: (point: { x: number; y: number }) => [number, number],
): Line {
  const places = points.map(at);
  const path = places.map(([left, height], index) => `${index === 0 ? 'M' : 'L'}${n(left)} ${n(height)}`).join('');
  const dots = places.map(([left, height]) => `<circle cx="${n(left)}" cy="${n(height)}" r="3.5" fill="${colour}"/>`);
  const svg = `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`;
  return { svg, name, colour, end: places.at(-1) ?? [0, 0] };
}

/** Names stand at the ends of their lines, at least a line of text apart. */
function spaced(lines: readonly Line[]): string[] {
  let last = Number.NEGATIVE_INFINITY;
  return lines
    .toSorted((a, b) => a.end[1] - b.end[1])
    .map(({ svg, name, colour, end: [left, height] }) => {
      last = Math.max(height + 4, last + 16);
      return `${svg}<text x="${n(left + 10)}" y="${n(last)}" style="fill:${colour}">${escape(name)}</text>`;
    });
}

/** 1, 2 or 5 times a power of ten, or 4 and 8, so that quarters are short numbers. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return (([1, 2, 4, 6, 8, 10] as const).find((step) => step * power >= value) ?? 10) * power;
}

function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
