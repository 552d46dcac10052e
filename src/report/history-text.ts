import { clockTime, span } from '../core/duration.ts';
import type { JournalEntry, PastResult, PastRun, PastRunOnHost } from '../engine/past/past-types.ts';
import { counted, duration } from './figures.ts';
import { clean, paint, symbol, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

/** Resources of a stage on a host that are named without --verbose. */
const NAMED = 8;

/** Two lines a run, the latest last: what, by whom, when, and what came of it on which hosts. */
export function renderHistory(runs: readonly PastRun[], theme: Theme, now: Date): string {
  if (runs.length === 0) return 'No run has changed these hosts.\n';
  return `${runs.flatMap((run) => [...headline(run, theme, now), ...wrap(theme, `    ${placesOf(run)}`, 6)]).join('\n')}\n`;
}

/** One run, host by host, in order. */
export function renderPastRun(run: PastRun, theme: Theme, options: { verbose: boolean; now: Date }): string {
  const hosts = run.hosts.map((host) => [
    `${paint(theme, ['bold', 'cyan'], host.host)}  ${endOf(host)}, lock ${clean(host.fence)}`,
    ...entriesOf(host, theme, options),
  ]);
  const head = [...headline(run, theme, options.now), `  plan ${clean(run.plan)}`];
  return `${[head, ...hosts].map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function headline(run: PastRun, theme: Theme, now: Date): string[] {
  const { sign, style } = SIGNS[run.result];
  const took = run.result === 'under way' ? span(now.getTime() - run.startedAt) : duration(run.endedAt - run.startedAt);
  const words = `${clean(run.command)} by ${clean(run.who)}, ${clockTime(new Date(run.startedAt), now)}, ${took}`;
  const text = `${symbol(theme, sign)} ${run.run}  ${words}${run.result === 'succeeded' ? '' : `: ${endOf(run)}`}`;
  return wrap(theme, text, 4).map((line, index) =>
    index === 0 ? line.replace(symbol(theme, sign), paint(theme, style, symbol(theme, sign))) : line,
  );
}

const SIGNS: Readonly<
  Record<PastResult, { sign: 'ok' | 'failed' | 'warning' | 'more'; style: 'green' | 'red' | 'yellow' }>
> = {
  succeeded: { sign: 'ok', style: 'green' },
  failed: { sign: 'failed', style: 'red' },
  'rolled-back': { sign: 'failed', style: 'red' },
  interrupted: { sign: 'warning', style: 'yellow' },
  'cut off': { sign: 'warning', style: 'yellow' },
  'under way': { sign: 'more', style: 'yellow' },
};

function endOf({ result, exitCode }: Pick<PastRun, 'result' | 'exitCode'>): string {
  const text = result === 'rolled-back' ? 'rolled back' : result;
  return exitCode ? `${text} (exit ${exitCode})` : text;
}

/** Hosts that share an end are named together: `12 changed on m1, m2; cut off in etcd on m3`. */
function placesOf(run: PastRun): string {
  const places = run.hosts.map((host) => host.host).join(', ');
  const others = [...Map.groupBy(run.hosts, (host) => (host.where === undefined ? '' : `${host.result} ${host.where}`))]
    .filter(([end]) => end !== '')
    .map(([end, hosts]) => `${end} on ${hosts.map((host) => host.host).join(', ')}`);
  return clean([`${run.changed} changed on ${places}`, ...others].join('; '));
}

interface Line {
  at: number;
  /** Empty: it belongs to the line before it. */
  text: string;
  refs: string[];
}

function entriesOf(host: PastRunOnHost, theme: Theme, options: { verbose: boolean; now: Date }): string[] {
  return linesOf(host, theme).flatMap(({ at, text, refs }) => {
    const shown = options.verbose || refs.length <= NAMED ? refs : refs.slice(0, NAMED - 1);
    const more = refs.length - shown.length;
    const rest = more > 0 ? [`${symbol(theme, 'more')} ${counted(more, 'more', 'more')} (--verbose names them)`] : [];
    return [
      ...wrap(theme, `  ${clockTime(new Date(at), options.now)}  ${text}`, 6),
      ...[...shown, ...rest].flatMap((each) => wrap(theme, `      ${clean(each)}`, 8)),
    ];
  });
}

/** A line a stage with what it changed below it, a line for each thing beside that. */
function linesOf({ entries }: PastRunOnHost, theme: Theme): Line[] {
  const lines: Line[] = [];
  const over = new Set(entries.flatMap((entry) => (entry.event === 'begin' ? [] : [keyOf(entry)])));
  let stage: Line | undefined;
  for (const entry of entries) {
    const [first = '', second = '', third = ''] = entry.words;
    const add = (text: string): void => void lines.push({ at: entry.at, text: clean(text), refs: [] });
    switch (entry.event) {
      case 'stage':
        stage = { at: entry.at, text: clean(first), refs: [] };
        lines.push(stage);
        break;
      case 'done':
        stage?.refs.push(second);
        break;
      case 'begin':
        if (!over.has(keyOf(entry))) stage?.refs.push(`${second}  begun, not done`);
        break;
      case 'failed':
      case 'interrupted':
        stage?.refs.push(`${second}  ${symbol(theme, 'failed')} ${entry.event}`);
        break;
      case 'step':
        add(`${first}: ${third}, ${second}`);
        break;
      case 'gate':
        add(`${first}: gate ${second}: ${third}`);
        break;
      case 'rolled-back':
        add(`${first}: what ${second} did was undone`);
        break;
    }
  }
  return lines;
}

function keyOf({ words }: JournalEntry): string {
  return words.join(' ');
}
