import type { Event } from '../engine/types.ts';
import { criticalPath } from './critical-path.ts';

export type SpanKind = 'connect' | 'round trip' | 'upload' | 'resource' | 'step' | 'gate';

/** One thing that took time. `start` and `end` are ms since the run's start. */
export interface Span {
  kind: SpanKind;
  /** Host, or '' for a gate of a whole stage. */
  host: string;
  text: string;
  start: number;
  end: number;
  failed: boolean;
}

export interface Group {
  name: string;
  start: number;
  end: number;
  /** It is part of the chain that made the run as long as it was. */
  critical: boolean;
  failed: boolean;
  /** Stages that it waited for. */
  needs: readonly string[];
  spans: Span[];
}

/** A stage on one host: from the first that happened there to the last. */
export interface LaneBar {
  /** Name of its group. */
  group: string;
  start: number;
  end: number;
  critical: boolean;
  failed: boolean;
  /** From 0: stages that overlap lie below each other. */
  row: number;
}

export interface Lane {
  host: string;
  rows: number;
  bars: LaneBar[];
}

export interface Timeline {
  cluster: string;
  ms: number;
  groups: Group[];
  /** Hosts in the order of the inventory; the first lane, without a host, is the critical path. */
  lanes: Lane[];
}

/** Lays a run's events out in time: what came before the stages, the stages in their order, then all round trips. */
export function timelineOf(events: readonly Event[]): Timeline {
  const start = events.find((event) => event.type === 'run-start');
  const needs = new Map(
    events.flatMap((event) =>
      event.type === 'planned' ? event.plan.stages.map((stage) => [stage.name, stage.needs] as const) : [],
    ),
  );
  const begun = events.find((event) => event.type === 'phase' && event.name === 'execute')?.at ?? Infinity;
  const stages = (start?.stages ?? []).flatMap(({ name }) => stageGroup(name, events, needs.get(name) ?? []) ?? []);
  const path = criticalPath(stages.map((each) => ({ name: each.name, ms: each.end - each.start, needs: each.needs })));
  for (const stage of stages) stage.critical = path.some(({ name }) => name === stage.name);
  const trips = events.flatMap(tripSpan);
  const before = group('reading', [...events.flatMap(connectSpan), ...trips.filter(({ end }) => end <= begun)]);
  const during = group(
    'round trips',
    trips.filter(({ end }) => end > begun),
  );
  before.critical = true;
  const drawn = [before, ...stages].filter(({ spans }) => spans.length > 0);
  return {
    cluster: start?.cluster ?? '',
    ms: Math.max(0, ...events.map(({ at }) => at)),
    groups: [...drawn, ...(during.spans.length > 0 ? [during] : [])],
    lanes: lanesOf(drawn, events),
  };
}

function lanesOf(groups: readonly Group[], events: readonly Event[]): Lane[] {
  if (groups.length === 0) return [];
  const path = groups.filter(({ critical }) => critical).map((each) => barOf(each, each.start, each.end));
  const named = events.flatMap((event) => (event.type === 'run-start' ? event.hosts : []));
  const hosts = new Set([...named, ...groups.flatMap(({ spans }) => spans.map(({ host }) => host)).filter(Boolean)]);
  const lanes = [...hosts].map((host) => {
    const bars = groups.flatMap((each): LaneBar[] => {
      const own = each.spans.filter((span) => span.host === host);
      if (own.length === 0) return [];
      const times = [...own.flatMap(({ start, end }) => [start, end]), ...hostTimes(each.name, host, events)];
      const failed = own.some((span) => span.failed);
      return [{ ...barOf(each, Math.min(...times), Math.max(...times)), failed }];
    });
    return laneOf(host, bars);
  });
  return [laneOf('', path), ...lanes];
}

function barOf({ name, critical, failed }: Group, start: number, end: number): LaneBar {
  return { group: name, start, end, critical, failed, row: 0 };
}

/** Between its own events a host may only have waited, as for a package to be got. */
function hostTimes(stage: string, host: string, events: readonly Event[]): number[] {
  return events.flatMap((event) =>
    (event.type === 'host-start' || event.type === 'host-end') && event.stage === stage && event.host === host
      ? [event.at]
      : [],
  );
}

/** Each bar in the first row that is free at its time. */
function laneOf(host: string, bars: readonly LaneBar[]): Lane {
  const ends: number[] = [];
  const placed = bars
    .toSorted((a, b) => a.start - b.start)
    .map((bar) => {
      const free = ends.findIndex((end) => end <= bar.start);
      const row = free < 0 ? ends.length : free;
      ends[row] = bar.end;
      return { ...bar, row };
    });
  return { host, rows: Math.max(1, ends.length), bars: placed };
}

/** What the run waited for longest. */
export function longestWaits({ groups }: Timeline, count: number): (Span & { group: string })[] {
  return groups
    .flatMap(({ name, spans }) => spans.map((span) => ({ ...span, group: name })))
    .filter(({ kind }) => kind !== 'resource')
    .toSorted((a, b) => b.end - b.start - (a.end - a.start))
    .slice(0, count);
}

function stageGroup(name: string, events: readonly Event[], needs: readonly string[]): Group | undefined {
  const own = events.filter((event): event is StageEvent => 'stage' in event && event.stage === name);
  const ended = own.find((event) => event.type === 'stage-end');
  if (ended === undefined || ended.status === 'skipped') return undefined;
  const spans = [...own.flatMap(stageSpan), ...uploadSpans(own), ...stepSpans(own)];
  return {
    ...group(
      name,
      spans.toSorted((a, b) => a.start - b.start),
    ),
    start: ended.at - ended.ms,
    end: ended.at,
    failed: ended.status === 'failed',
    needs,
  };
}

type StageEvent = Extract<Event, { stage: string }>;

function group(name: string, spans: Span[]): Group {
  const start = Math.min(...spans.map((span) => span.start));
  const end = Math.max(...spans.map((span) => span.end));
  return { name, start, end, critical: false, failed: spans.some(({ failed }) => failed), needs: [], spans };
}

function connectSpan(event: Event): Span[] {
  if (event.type !== 'connected') return [];
  return [{ kind: 'connect', host: event.host, text: 'connect', ...ended(event), failed: false }];
}

function tripSpan(event: Event): Span[] {
  if (event.type !== 'round-trip') return [];
  return [{ kind: 'round trip', host: event.host, text: event.what, ...ended(event), failed: false }];
}

function stageSpan(event: StageEvent): Span[] {
  if (event.type === 'gate' && event.status !== 'waiting') {
    const failed = event.status === 'failed';
    return [{ kind: 'gate', host: '', text: event.title, ...ended(event), failed }];
  }
  if (event.type !== 'resource') return [];
  const { host, verb, ref, status } = event;
  return [{ kind: 'resource', host, text: `${verb} ${ref}`, ...ended(event), failed: status === 'failed' }];
}

/** From the first bytes to the last of each host. */
function uploadSpans(own: readonly StageEvent[]): Span[] {
  const bytes = own.filter((event) => event.type === 'bytes');
  return [...Map.groupBy(bytes, ({ host }) => host)].flatMap(([host, sent]) => {
    const [first, last] = [sent[0], sent.at(-1)];
    if (first === undefined || last === undefined) return [];
    const text = `${(last.sent / 1e6).toFixed(1)} MB of binaries`;
    return [{ kind: 'upload' as const, host, text, start: first.at, end: last.at, failed: false }];
  });
}

function stepSpans(own: readonly StageEvent[]): Span[] {
  const steps = own.filter((event) => event.type === 'step');
  return steps.flatMap((step, index) => {
    if (step.status !== 'start') return [];
    const { host, title: text, at: start } = step;
    const after = steps.slice(index + 1).find((each) => each.title === text && each.host === host);
    return [{ kind: 'step' as const, host, text, start, end: after?.at ?? start, failed: after?.status === 'failed' }];
  });
}

function ended({ at, ms }: { at: number; ms: number }): { start: number; end: number } {
  return { start: Math.max(0, at - ms), end: at };
}
