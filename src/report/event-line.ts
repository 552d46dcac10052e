import type { Event } from '../engine/types.ts';
import { counted, duration } from './figures.ts';
import { irreversibleStages } from './plan-schedule.ts';
import { clean, cleanLines, paint, symbol, type Theme } from './theme.ts';

/** The line of an event that is worth one by itself. */
export function eventLine(event: Event, theme: Theme, verbose: boolean): string | undefined {
  switch (event.type) {
    case 'warning':
      return warningLine(`${event.host ? `${event.host}: ` : ''}${event.message}`, event.hint, theme);
    case 'planned': {
      const { changes, hosts, unchanged } = event.plan.summary;
      const read = `read in ${duration(event.ms)}`;
      const final = irreversibleStages(event.plan);
      const warned = final.length === 0 ? '' : `; no way back from ${final.join(', ')}`;
      if (changes > 0) return `${counted(changes, 'change')} on ${counted(hosts, 'host')}, ${read}${warned}`;
      // What a command wants once has no states.
      return unchanged === 0 ? `nothing to do, ${read}` : `${counted(unchanged, 'state')} as wanted, ${read}`;
    }
    case 'resource':
      if (event.status === 'failed')
        return `${paint(theme, 'red', symbol(theme, 'failed'))} ${event.stage} ${event.host}: ${event.verb} ${clean(event.ref)}: ${saidBy(event.message ?? 'failed', verbose)}`;
      return verbose
        ? `  ${event.stage} ${event.host}: ${event.verb} ${clean(event.ref)}, ${event.status}, ${event.ms} ms`
        : undefined;
    case 'step':
      return event.status === 'start' && !verbose
        ? undefined
        : `  ${event.stage} ${event.host}: ${clean(event.title)}, ${event.status}`;
    case 'rollback':
      return rollbackLine(event, theme);
    case 'gate':
      if (event.status === 'failed')
        return `${paint(theme, 'red', symbol(theme, 'failed'))} ${event.stage}: ${clean(event.title)}: ${clean(event.seen ?? 'not so')}`;
      return verbose && event.status === 'passed'
        ? `  ${event.stage}: ${clean(event.title)}, ${duration(event.ms)}`
        : undefined;
    default:
      return undefined;
  }
}

/** What is so, and what to do about it. */
export function warningLine(message: string, hint: string | undefined, theme: Theme): string {
  return `${paint(theme, 'yellow', symbol(theme, 'warning'))} ${clean([message, hint].filter(Boolean).join('. '))}`;
}

function rollbackLine(event: Extract<Event, { type: 'rollback' }>, theme: Theme): string {
  const where = `${event.stage} ${event.host}: `;
  if (event.status === 'start') return `${paint(theme, 'yellow', symbol(theme, 'restart'))} ${where}goes back`;
  if (event.status === 'done') return `${paint(theme, 'yellow', symbol(theme, 'restart'))} ${where}is as it was before`;
  return `${paint(theme, 'red', symbol(theme, 'failed'))} ${where}could not go back: ${saidBy(event.message ?? '', true)}`;
}

/** What a program said, the lines after its first one below it: none of them looks like one of ours. */
function saidBy(message: string, whole: boolean): string {
  const lines = cleanLines(message);
  return whole ? lines.join('\n      ') : (lines[0] ?? '');
}
