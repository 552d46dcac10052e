import type { Event, RunResult } from '../engine/types.ts';

/** What a view knows about a run so far: the events, added up. */
export interface RunModel {
  hosts: readonly string[];
  /** What happens before the first stage: connect, gather, compile, probe, plan. */
  phase: string | undefined;
  connected: Set<string>;
  stages: Map<string, StageModel>;
  result: RunResult | undefined;
}

export type StageStatus = 'waiting' | 'running' | 'changed' | 'unchanged' | 'failed' | 'skipped';

export interface StageModel {
  name: string;
  status: StageStatus;
  needs: readonly string[];
  hosts: Map<string, HostModel>;
  /** `at` of its start. */
  startedAt: number;
  ms: number;
  changed: number;
  sent: number;
  why: string | undefined;
  /** Gates that are waited for: title → what was seen last. */
  waiting: Map<string, string>;
}

export interface HostModel {
  status: 'waiting' | 'running' | 'changed' | 'unchanged' | 'failed';
  changes: number;
  done: number;
  sent: number;
  /** What it does now, or why it failed. */
  message: string | undefined;
}

export function newModel(): RunModel {
  return { hosts: [], phase: undefined, connected: new Set(), stages: new Map(), result: undefined };
}

/** Adds one event. Events of a stage or host that was not announced make it known: a view never fails a run. */
export function add(model: RunModel, event: Event): void {
  switch (event.type) {
    case 'run-start':
      model.hosts = event.hosts;
      for (const { name, hosts } of event.stages) model.stages.set(name, newStage(name, hosts));
      return;
    case 'phase':
      model.phase = event.state === 'start' ? event.name : undefined;
      // Who was up a moment ago is connected to anew.
      if (model.phase === 'connect') model.connected.clear();
      return;
    case 'awaited':
      if (event.why === undefined) model.connected.add(event.host);
      else model.connected.delete(event.host);
      return;
    case 'connected':
      model.connected.add(event.host);
      return;
    case 'planned':
      for (const stage of event.plan.stages) stageOf(model, stage.name).needs = stage.needs;
      // Of those that were announced some may have nothing to do.
      for (const name of model.stages.keys())
        if (!event.plan.stages.some((stage) => stage.name === name)) model.stages.delete(name);
      return;
    case 'run-end':
      model.result = event.result;
      return;
    case 'unreachable':
    case 'round-trip':
    case 'warning':
      return;
    default:
      addToStage(stageOf(model, event.stage), event);
  }
}

type StageEvent = Extract<Event, { stage: string }>;

function addToStage(stage: StageModel, event: StageEvent): void {
  switch (event.type) {
    case 'stage-start':
      stage.status = 'running';
      stage.startedAt = event.at;
      for (const host of event.hosts) hostOf(stage, host);
      // On the others there is nothing to do.
      for (const [name, host] of stage.hosts) if (!event.hosts.includes(name)) host.status = 'unchanged';
      return;
    case 'stage-end':
      stage.status = event.status;
      stage.ms = event.ms;
      stage.changed = event.changed;
      stage.why = event.why;
      stage.waiting.clear();
      // A host on which only a step was taken does not end by itself.
      if (event.status === 'changed')
        for (const host of stage.hosts.values()) if (host.status !== 'changed') host.status = 'unchanged';
      return;
    case 'gate':
      if (event.status === 'waiting') stage.waiting.set(event.title, event.seen ?? '');
      else stage.waiting.delete(event.title);
      return;
    default:
      addToHost(stage, hostOf(stage, event.host), event);
  }
}

function addToHost(stage: StageModel, host: HostModel, event: Extract<StageEvent, { host: string }>): void {
  switch (event.type) {
    case 'host-start':
      host.status = 'running';
      host.changes = event.changes;
      return;
    case 'host-end':
      host.status = event.status;
      if (event.status !== 'failed') host.message = undefined;
      return;
    case 'resource':
      host.done += 1;
      host.message =
        event.status === 'failed' ? (event.message ?? `${event.ref} failed`) : `${event.verb} ${event.ref}`;
      return;
    case 'bytes':
      stage.sent += event.sent - host.sent;
      host.sent = event.sent;
      return;
    case 'rollback':
      if (event.status === 'start') host.message = 'goes back';
      else host.message = event.status === 'done' ? 'went back' : `could not go back: ${event.message ?? ''}`;
      return;
    case 'step':
      host.message =
        event.status === 'start'
          ? event.title
          : event.status === 'done'
            ? undefined
            : `${event.title}: ${event.status}`;
  }
}

function newStage(name: string, hosts: readonly string[]): StageModel {
  const stage: StageModel = {
    name,
    status: 'waiting',
    needs: [],
    hosts: new Map(),
    startedAt: 0,
    ms: 0,
    changed: 0,
    sent: 0,
    why: undefined,
    waiting: new Map(),
  };
  for (const host of hosts) hostOf(stage, host);
  return stage;
}

function stageOf(model: RunModel, name: string): StageModel {
  const stage = model.stages.get(name) ?? newStage(name, []);
  model.stages.set(name, stage);
  return stage;
}

function hostOf(stage: StageModel, name: string): HostModel {
  const host = stage.hosts.get(name) ?? { status: 'waiting', changes: 0, done: 0, sent: 0, message: undefined };
  stage.hosts.set(name, host);
  return host;
}
