import { clean } from './theme.ts';
import { longestWaits, type Group, type Span, type Timeline } from './timeline.ts';

/**
 * One page that needs nothing else: no script, no font, no address. Stages are opened and closed by mouse or keyboard
 * (`details`), every row can be reached by the keyboard and says in words what its bar shows.
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
<p class="key">${KEY}</p>
${timeline.groups.map((group) => drawGroup(group, timeline.ms)).join('\n')}
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

function drawGroup(group: Group, total: number): string {
  const marks = [group.critical ? 'critical' : '', group.failed ? 'failed' : ''].filter((mark) => mark !== '');
  const after = group.needs.length === 0 ? '' : `, after ${group.needs.join(', ')}`;
  const path = group.critical ? ', on the critical path' : '';
  const said = `${group.name}: ${seconds(group.end - group.start)} from ${seconds(group.start)}${path}${group.failed ? ', failed' : ''}${after}`;
  return `<details class="${marks.join(' ')}"${group.critical ? ' open' : ''}>
<summary title="${escape(said)}"><span class="name">${escape(group.name)}${group.critical ? ' <b>critical path</b>' : ''}</span>${bar(group, total, 'stage')}</summary>
<ul>
${group.spans.map((span) => drawSpan(span, total)).join('\n')}
</ul>
</details>`;
}

function drawSpan(span: Span, total: number): string {
  const name = [span.host, clean(span.text)].filter((part) => part !== '').join(' ');
  const said = `${span.kind}, ${name}: ${seconds(span.end - span.start)} from ${seconds(span.start)}${span.failed ? ', failed' : ''}`;
  return `<li tabindex="0" title="${escape(said)}"${span.failed ? ' class="failed"' : ''}><span class="name">${escape(name)}</span>${bar(span, total, span.kind.replace(' ', '-'))}</li>`;
}

function bar({ start, end }: { start: number; end: number }, total: number, kind: string): string {
  const part = (ms: number): string => ((ms / Math.max(total, 1)) * 100).toFixed(3);
  const place = `left:${part(start)}%;width:max(2px,${part(end - start)}%)`;
  return `<span class="track"><span class="bar ${kind}" style="${place}"></span></span><span class="ms">${seconds(end - start)}</span>`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const KINDS = ['connect', 'round trip', 'upload', 'resource', 'step', 'gate'];
const KEY = KINDS.map((kind) => `<span class="bar ${kind.replace(' ', '-')}"></span> ${kind}`).join(' ');

const STYLE = `
:root{color-scheme:light dark;--text:#1f2328;--back:#fff;--line:#d0d7de;--hot:#b35900;--bad:#cf222e}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--back:#0d1117;--line:#30363d;--hot:#f0a04b;--bad:#ff7b72}}
body{font:14px/1.4 system-ui,sans-serif;color:var(--text);background:var(--back);margin:1.5rem}
summary,li{display:grid;grid-template-columns:minmax(12rem,24rem) 1fr 5.5rem;gap:.75rem;align-items:center;padding:.1rem .3rem}
ol>li{display:list-item}
ul{list-style:none;margin:0;padding:0 0 .5rem}
summary{cursor:pointer;border-top:1px solid var(--line);font-weight:600}
summary:focus-visible,li:focus-visible{outline:2px solid #4493f8}
.name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.name b{color:var(--hot);font-size:.85em}
.track{position:relative;height:.8rem;background:color-mix(in srgb,var(--line) 35%,transparent)}
.track .bar{position:absolute;top:0;height:100%}
.key .bar{display:inline-block;width:1rem;height:.7rem;margin-left:.8rem}
.ms{text-align:right;font-variant-numeric:tabular-nums}
.stage{background:#6e7781}.critical .stage{background:var(--hot)}
.connect{background:#8250df}.round-trip{background:#1f6feb}.upload{background:#0a7f8c}
.resource{background:#2da44e}.step{background:#bf3989}.gate{background:#9a6700}
.failed>summary .name,li.failed .name{color:var(--bad)}
`;
