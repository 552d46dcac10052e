import { cut } from '../core/lines.ts';
import type { Event } from '../engine/types.ts';
import { duration } from './figures.ts';
import { foldByCause, hostsWithin, LINE, MANY, type Roster } from './fold.ts';
import { clean, paint, symbol, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

export type GateEvent = Extract<Event, { type: 'gate' }>;

/** The last word of each gate, in the order in which they came up. */
export function lastOfEach(events: readonly Event[]): GateEvent[] {
  const gates = new Map<string, GateEvent>();
  for (const event of events) if (event.type === 'gate') gates.set(`${event.stage} ${event.title}`, event);
  return [...gates.values()];
}

/** The whole checklist, by stage, with figures: a line each; what fails alike on several hosts, or holds on many, is one. */
export function renderVerify(
  events: readonly Event[],
  theme: Theme,
  { verbose = false, roster }: { verbose?: boolean; roster?: Roster | undefined } = {},
): string {
  const stages = Map.groupBy(lastOfEach(events), (gate) => gate.stage);
  const blocks = [...stages].map(([stage, gates]) => {
    const inOrder = gates.toSorted(byTitle);
    const lines = verbose ? inOrder.map(asItStands) : folded(inOrder, roster);
    return [paint(theme, 'bold', stage), ...lines.flatMap((line) => renderLine(line, theme))].join('\n');
  });
  return blocks.length === 0 ? '' : `${blocks.join('\n')}\n`;
}

/** Checks end in any order; a reader compares two runs. */
function byTitle(a: GateEvent, b: GateEvent): number {
  return a.title.localeCompare(b.title, 'en', { numeric: true });
}

interface Line {
  passed: boolean;
  text: string;
  /** Milliseconds: the least and the most. */
  ms: readonly [number, number];
}

function asItStands({ status, title, seen, ms }: GateEvent): Line {
  return { passed: status === 'passed', text: textOf(title, seen), ms: [ms, ms] };
}

function textOf(title: string, seen: string | undefined): string {
  return seen ? `${title}  ${seen}` : title;
}

function folded(gates: readonly GateEvent[], roster: Roster | undefined): Line[] {
  const told = joined(gates).map(({ head, line, code }) => {
    const words = new Set(head.split(/[^\w.-]+/));
    const named = roster?.hosts.filter(({ name }) => words.has(name)) ?? [];
    return { host: named.length === 1 ? named[0]?.name : undefined, message: line.text, code, line };
  });
  return foldByCause(told, roster).flatMap(({ all, hosts, message }) => {
    if (hosts.length < (all[0].line.passed ? MANY : 2)) return all.map(({ line }) => line);
    const text = message(hostsWithin(LINE / 3, hosts, roster));
    return { ...all[0].line, text, ms: span(all.map(({ line }) => line.ms)) };
  });
}

/** `pod network from w1: all pods` and `pod network from w1: DNS`: where both hold, or the same is seen, one line. */
function joined(gates: readonly GateEvent[]): { head: string; code: string; line: Line }[] {
  const alike = Map.groupBy(gates, ({ title, status, seen = '' }) => [cut(title, ': ')[0], status, seen].join('\0'));
  return [...alike.values()].map((group) => {
    const [{ title, status, seen }] = group as [GateEvent];
    const [head] = cut(title, ': ');
    const tails = group.flatMap((gate) => cut(gate.title, ': ')[1] || []);
    const lines = group.map(asItStands);
    const whole = textOf(tails.length === 0 ? title : `${head}: ${tails.join(', ')}`, seen);
    return {
      head,
      code: status,
      line: { passed: status === 'passed', text: whole, ms: span(lines.map(({ ms }) => ms)) },
    };
  });
}

function span(all: readonly Line['ms'][]): Line['ms'] {
  return [Math.min(...all.map(([least]) => least)), Math.max(...all.map(([, most]) => most))];
}

function renderLine({ passed, text, ms: [least, most] }: Line, theme: Theme): string[] {
  const sign = symbol(theme, passed ? 'ok' : 'failed');
  const times = [...new Set([duration(least), duration(most)])].join(' to ');
  const lines = wrap(theme, `  ${sign} ${clean(text)}  ${times}`, 6);
  return lines.map((line) => line.replace(sign, paint(theme, passed ? 'green' : 'red', sign)));
}
