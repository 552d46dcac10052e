import type { Event } from '../engine/types.ts';
import { duration } from './figures.ts';
import { clean, paint, symbol, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

export type GateEvent = Extract<Event, { type: 'gate' }>;

/** The last word of each gate, in the order in which they came up. */
export function lastOfEach(events: readonly Event[]): GateEvent[] {
  const gates = new Map<string, GateEvent>();
  for (const event of events) if (event.type === 'gate') gates.set(`${event.stage} ${event.title}`, event);
  return [...gates.values()];
}

/** The whole checklist, a line each with its figure, by stage. */
export function renderVerify(events: readonly Event[], theme: Theme): string {
  const stages = Map.groupBy(lastOfEach(events), (gate) => gate.stage);
  const blocks = [...stages].map(([stage, gates]) => {
    return [paint(theme, 'bold', stage), ...gates.toSorted(byTitle).flatMap((gate) => renderGate(gate, theme))].join(
      '\n',
    );
  });
  return blocks.length === 0 ? '' : `${blocks.join('\n')}\n`;
}

/** Checks end in any order; a reader compares two runs. */
function byTitle(a: GateEvent, b: GateEvent): number {
  return a.title.localeCompare(b.title, 'en', { numeric: true });
}

function renderGate(gate: GateEvent, theme: Theme): string[] {
  const passed = gate.status === 'passed';
  const sign = symbol(theme, passed ? 'ok' : 'failed');
  const seen = gate.seen ? `  ${clean(gate.seen)}` : '';
  const lines = wrap(theme, `  ${sign} ${clean(gate.title)}${seen}  ${duration(gate.ms)}`, 6);
  return lines.map((line) => line.replace(sign, paint(theme, passed ? 'green' : 'red', sign)));
}
