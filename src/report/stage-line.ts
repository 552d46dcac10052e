import { duration, size } from './figures.ts';
import { foldByCause, hostsWithin, LINE, type Roster } from './fold.ts';
import type { HostModel, RunModel, StageModel } from './model.ts';
import { clean, padEnd, paint, symbol, type Theme } from './theme.ts';
import { truncate } from './wrap.ts';

const NAME_WIDTH = 14;

export interface StageLineOptions {
  /** ms since the run's start. */
  now: number;
  spinner: string;
  roster?: Roster | undefined;
}

/** The line of one stage, the same words on a terminal and in a log. */
export function stageLine(stage: StageModel, model: RunModel, theme: Theme, options: StageLineOptions): string {
  const sign = signOf(stage, theme, options.spinner);
  if (stage.status === 'waiting')
    return truncate(theme, paint(theme, 'dim', `${sign} ${padEnd(stage.name, NAME_WIDTH)} ${waitsFor(stage, model)}`));
  if (stage.status === 'skipped') return skippedLines([stage], theme)[0] ?? '';
  const hosts = [...stage.hosts.values()];
  const done = stage.status === 'unchanged' ? hosts.length : hosts.filter(isDone).length;
  const ms = stage.status === 'running' ? options.now - stage.startedAt : stage.ms;
  const figures = `${padEnd(`${done}/${hosts.length}`, 5)} ${duration(ms).padStart(8)}`;
  const failed = hosts.filter((host) => host.status === 'failed').length;
  const line =
    `${sign} ${padEnd(stage.name, NAME_WIDTH)} ${figures}   ${notes(stage, theme, options.roster)}`.trimEnd();
  return truncate(failed > 1 ? atMost(LINE, theme) : theme, line);
}

function atMost(columns: number, theme: Theme): Theme {
  return { ...theme, columns: Math.min(columns, theme.columns ?? columns) };
}

/** Stages that were not begun, in a line for each reason. */
export function skippedLines(stages: readonly StageModel[], theme: Theme): string[] {
  const byReason = Map.groupBy(stages, ({ why }) => why);
  return [...byReason].map(([why, all]) => {
    const names = padEnd(all.map(({ name }) => name).join(', '), NAME_WIDTH);
    return truncate(
      all.length > 1 ? atMost(LINE, theme) : theme,
      `${symbol(theme, 'skipped')} ${names} skipped${why ? `: ${clean(why)}` : ''}`,
    );
  });
}

function isDone(host: HostModel): boolean {
  return host.status === 'changed' || host.status === 'unchanged';
}

function signOf(stage: StageModel, theme: Theme, spinner: string): string {
  switch (stage.status) {
    case 'waiting':
      return ' ';
    case 'running':
      return paint(theme, 'cyan', spinner);
    case 'changed':
    case 'unchanged':
      return paint(theme, 'green', symbol(theme, 'ok'));
    case 'failed':
      return paint(theme, 'red', symbol(theme, 'failed'));
    case 'skipped':
      return symbol(theme, 'skipped');
  }
}

function waitsFor(stage: StageModel, model: RunModel): string {
  const open = stage.needs.filter((name) => {
    const status = model.stages.get(name)?.status;
    return status === 'waiting' || status === 'running';
  });
  return open.length === 0 ? '' : `waits for ${open.join(', ')}`;
}

function notes(stage: StageModel, theme: Theme, roster: Roster | undefined): string {
  const sent = stage.sent > 0 ? [`${size(stage.sent)} of binaries`] : [];
  if (stage.status === 'running') return [runningHosts(stage, theme), ...sent].join('   ');
  const failed = [...stage.hosts].filter(([, host]) => host.status === 'failed');
  const told = failed.map(([name, { message }]) => ({ host: name, message: clean(message ?? 'failed') }));
  const why = foldByCause(told, roster).map(({ hosts, message }) => message(hostsWithin(LINE / 3, hosts, roster)));
  const changed = stage.changed > 0 ? [`${stage.changed} changed`] : [];
  return [
    ...why,
    ...(stage.status === 'failed' && why.length === 0 && stage.why ? [clean(stage.why)] : []),
    ...changed,
    ...sent,
  ].join('   ');
}

/** Hosts by name, those that still work first: they are what one looks for. */
function runningHosts(stage: StageModel, theme: Theme): string {
  const entries = [...stage.hosts];
  const busy = entries.filter(([, host]) => host.status === 'running' || host.status === 'failed');
  const gates = [...stage.waiting].map(([title, seen]) => `waiting: ${clean(title)}${seen ? ` (${clean(seen)})` : ''}`);
  const ok = entries.filter(([, host]) => isDone(host)).map(([name]) => name);
  return [
    ...busy.map(([name, host]) => `${name} ${state(host, theme)}`),
    ...gates,
    ...(ok.length > 0 ? [`${ok.join(' ')} ${paint(theme, 'green', symbol(theme, 'ok'))}`] : []),
  ].join('  ');
}

function state(host: HostModel, theme: Theme): string {
  if (host.status === 'failed') return paint(theme, 'red', symbol(theme, 'failed'));
  const progress = host.changes > 0 ? `${Math.min(host.done, host.changes)}/${host.changes}` : '';
  return [progress, clean(host.message ?? '')].filter(Boolean).join(' ');
}
