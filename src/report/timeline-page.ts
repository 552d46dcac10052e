import { counted } from './figures.ts';
import { clean } from './theme.ts';
import { longestWaits, type Group, type Lane, type Span, type Timeline } from './timeline.ts';

/** Shorter than what anybody waits for: folded, with the resources, which are many. */
const SHORT_MS = 50;

/**
 * One page that needs nothing else: no script, no font, no address. It begins with a lane for each host, in which the
 * stages are bars; a bar leads to its stage below. Stages are opened and closed by mouse or keyboard (`details`), every
 * row can be reached by the keyboard and says in words what its bar shows.
 */
export function timelinePage(timeline: Timeline): string {
  const title = `${timeline.cluster}: ${seconds(timeline.ms)}`;
  const waits = longestWaits(timeline, 10);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<div class="lanes">
${timeline.lanes.map((lane) => drawLane(lane, timeline)).join('\n')}
</div>
<h2>Stages</h2>
<p class="key">${KEY}</p>
${timeline.groups.map((group, index) => drawGroup(group, { index, total: timeline.ms })).join('\n')}
<h2>Longest waits</h2>
<ol>
${waits.map((span) => `<li>${escape(waitText(span))}</li>`).join('\n')}
</ol>
</body>
</html>
`;
}

/** `3.1 s  gate  etcd: every member is healthy`: also what --profile prints. */
export function waitText(span: Span & { group: string }): string {
  const where = [span.kind === 'round trip' ? '' : span.group, span.host].filter((part) => part !== '').join(' on ');
  return `${seconds(span.end - span.start)}  ${span.kind}  ${where}: ${clean(span.text)}`;
}

function drawLane({ host, rows, bars }: Lane, { ms, groups }: Timeline): string {
  const name = host === '' ? 'critical path' : host;
  const drawn = bars.map((bar) => {
    const marks = [bar.critical ? 'critical' : '', bar.failed ? 'failed' : ''].filter((mark) => mark !== '');
    const on = host === '' ? '' : ` on ${host}`;
    const said = `${bar.group}${on}: ${spoken(bar)}`;
    const to = groups.findIndex((group) => group.name === bar.group);
    const place = `${placeOf(bar, ms)};top:${String(bar.row * LANE_REM)}rem`;
    return `<a class="bar stage ${marks.join(' ')}" href="#stage-${String(to)}" title="${escape(said)}" style="${place}">${escape(bar.group)}</a>`;
  });
  const height = `height:${String(rows * LANE_REM)}rem`;
  return `<div class="lane${host === '' ? ' path' : ''}"><span class="name">${escape(name)}</span><span class="track" style="${height}">${drawn.join('')}</span></div>`;
}

/** `1.20 s from 3.40 s, on the critical path, failed` */
function spoken({ start, end, critical, failed }: Pick<Group, 'start' | 'end' | 'critical' | 'failed'>): string {
  const path = critical ? ', on the critical path' : '';
  return `${seconds(end - start)} from ${seconds(start)}${path}${failed ? ', failed' : ''}`;
}

/** The address of a bar is within its stage: who follows it has the stage opened by the browser. */
function drawGroup(group: Group, { index, total }: { index: number; total: number }): string {
  const marks = [group.critical ? 'critical' : '', group.failed ? 'failed' : ''].filter((mark) => mark !== '');
  const after = group.needs.length === 0 ? '' : `, after ${group.needs.join(', ')}`;
  const said = `${group.name}: ${spoken(group)}${after}`;
  const [shown, folded] = [false, true].map((short) => group.spans.filter((span) => isFolded(span) === short));
  return `<details class="${marks.join(' ')}"${group.failed ? ' open' : ''}>
<summary title="${escape(said)}"><span class="name">${escape(group.name)}${group.critical ? ' <b>critical path</b>' : ''}</span>${bar(group, total, 'stage')}</summary>
<div id="stage-${String(index)}">
${drawSpans(shown ?? [], total)}${drawFolded(folded ?? [], total)}
</div>
</details>`;
}

function isFolded({ start, end, failed }: Span): boolean {
  return !failed && end - start < SHORT_MS;
}

function drawFolded(spans: readonly Span[], total: number): string {
  if (spans.length === 0) return '';
  const kinds = [...Map.groupBy(spans, ({ kind }) => kind)].map(([kind, each]) => counted(each.length, kind));
  return `<details class="short">
<summary><span>${escape(kinds.join(', '))} of less than ${String(SHORT_MS)} ms</span></summary>
${drawSpans(spans, total)}
</details>`;
}

function drawSpans(spans: readonly Span[], total: number): string {
  return spans.length === 0 ? '' : `<ul>\n${spans.map((span) => drawSpan(span, total)).join('\n')}\n</ul>`;
}

function drawSpan(span: Span, total: number): string {
  const name = [span.host, clean(span.text)].filter((part) => part !== '').join(' ');
  const said = `${span.kind}, ${name}: ${seconds(span.end - span.start)} from ${seconds(span.start)}${span.failed ? ', failed' : ''}`;
  return `<li tabindex="0" title="${escape(said)}"${span.failed ? ' class="failed"' : ''}><span class="name">${escape(name)}</span>${bar(span, total, span.kind.replace(' ', '-'))}</li>`;
}

function bar(span: { start: number; end: number }, total: number, kind: string): string {
  return `<span class="track"><span class="bar ${kind}" style="${placeOf(span, total)}"></span></span><span class="ms">${seconds(span.end - span.start)}</span>`;
}

function placeOf({ start, end }: { start: number; end: number }, total: number): string {
  const part = (ms: number): string => ((ms / Math.max(total, 1)) * 100).toFixed(3);
  return `left:${part(start)}%;width:max(2px,${part(end - start)}%)`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Height of a row of a lane. */
const LANE_REM = 1.15;

const KINDS = ['connect', 'round trip', 'upload', 'resource', 'step', 'gate'];
const KEY = KINDS.map((kind) => `<span class="bar ${kind.replace(' ', '-')}"></span> ${kind}`).join(' ');

const STYLE = `
:root{color-scheme:light dark;--text:#1f2328;--back:#fff;--line:#d0d7de;--hot:#b35900;--on-hot:#fff;--bad:#cf222e}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--back:#0d1117;--line:#30363d;--hot:#f0a04b;--on-hot:#0d1117;--bad:#ff7b72}}
body{font:14px/1.4 system-ui,sans-serif;color:var(--text);background:var(--back);margin:1.5rem}
summary,li,.lane{display:grid;grid-template-columns:minmax(12rem,24rem) 1fr 5.5rem;gap:.75rem;align-items:center;padding:.1rem .3rem}
ol>li{display:list-item}
[id]{scroll-margin-top:2.5rem}
.lane{grid-template-columns:minmax(6rem,12rem) 1fr;align-items:start;border-top:1px solid var(--line)}
.lane a{height:1.05rem;overflow:hidden;padding:0 .2rem;box-sizing:border-box;border-left:1px solid var(--back);font-size:.7rem;line-height:1.05rem;white-space:nowrap;text-decoration:none;color:#fff}
.lane a.critical{background:var(--hot);color:var(--on-hot)}
.lane a.failed{outline:2px solid var(--bad);outline-offset:-2px}
.path .name{font-weight:600;color:var(--hot)}
.short{margin-left:1.5rem}.short>summary{display:list-item;border:0;font-weight:400}
ul{list-style:none;margin:0;padding:0 0 .5rem}
summary{cursor:pointer;border-top:1px solid var(--line);font-weight:600}
a:focus-visible,summary:focus-visible,li:focus-visible{outline:2px solid #4493f8}
.name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.name b{color:var(--hot);font-size:.85em}
.track{position:relative;height:.8rem;background:color-mix(in srgb,var(--line) 35%,transparent)}
.track .bar{position:absolute;top:0}.track span.bar{height:100%}
.key .bar{display:inline-block;width:1rem;height:.7rem;margin-left:.8rem}
.ms{text-align:right;font-variant-numeric:tabular-nums}
.stage{background:#6e7781}.critical .stage{background:var(--hot)}
.connect{background:#8250df}.round-trip{background:#1f6feb}.upload{background:#0a7f8c}
.resource{background:#2da44e}.step{background:#bf3989}.gate{background:#9a6700}
.failed>summary .name,li.failed .name{color:var(--bad)}
`;
