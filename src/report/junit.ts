import type { McpkError } from '../core/errors.ts';
import { changesOf, type Event, type Plan, type Refusal, type StagePlan } from '../engine/types.ts';
import { counted } from './figures.ts';
import { add, newModel, type RunModel, type StageModel } from './model.ts';
import { lastOfEach } from './verify-text.ts';

/** What CI systems show of a run: a suite for each stage, a case for each host and gate. */
export interface TestSuite {
  name: string;
  cases: TestCase[];
}

export interface TestCase {
  name: string;
  ms: number;
  /** Those with none, and no word on why it was skipped, passed. */
  failures: { type: string; message: string; lines: readonly string[] }[];
  skipped?: string;
}

export interface RunOutcome {
  /** As it is called: `apply`. */
  command: string;
  events: readonly Event[];
  /** What it ended with, errors of its result and what was thrown. */
  errors: readonly McpkError[];
  /** What apply would refuse of a plan that is the result. */
  refused?: readonly Refusal[];
}

/**
 * A run as suites, whether or not it came to its end. The first one is the run as a whole: hosts that were or were not
 * reached, and what is of no stage.
 */
export function testSuites({ command, events, errors, refused = [] }: RunOutcome): TestSuite[] {
  const model = newModel();
  for (const event of events) add(model, event);
  const plan = events.findLast((event) => event.type === 'planned')?.plan;
  const run: TestSuite = { name: command, cases: reached(events) };
  const suites = [run, ...stageSuites(model, plan, events)];
  const gates = new Set(lastOfEach(events).map(({ title }) => title));
  for (const error of errors) caseOf(error, { suites, run, gates }).failures.push(failureOf(error));
  for (const { stage, hosts, title, wrong, consequence } of refused)
    for (const each of suites.find(({ name }) => name === stage)?.cases ?? [])
      if (hosts.includes(each.name))
        each.failures.push({ type: 'refused', message: `must hold: ${title}`, lines: [`seen  ${wrong}`, consequence] });
  for (const suite of suites) tellUntold(suite, model.stages.get(suite.name), events);
  if (run.cases.length === 0) run.cases.push(passed('run'));
  return suites.filter(({ cases }) => cases.length > 0);
}

interface Suites {
  suites: readonly TestSuite[];
  run: TestSuite;
  /** Titles. */
  gates: ReadonlySet<string>;
}

function passed(name: string, ms = 0): TestCase {
  return { name, ms, failures: [] };
}

/** They end in any order; a reader compares two runs. */
function byName(cases: readonly TestCase[]): TestCase[] {
  return cases.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function reached(events: readonly Event[]): TestCase[] {
  const hosts = new Map<string, number>();
  const awaited = new Map<string, string | undefined>();
  for (const event of events)
    if (event.type === 'awaited') awaited.set(event.host, event.why);
    else if (event.type === 'connected' && !hosts.has(event.host)) hosts.set(event.host, event.ms);
  // Of a run that is ended while it waits; one that waited in vain has errors besides, which fail the cases.
  const waiting = [...awaited].filter(([host]) => !hosts.has(host));
  return byName([
    ...[...hosts].map(([host, ms]) => passed(host, ms)),
    ...waiting.map(([host, why]) => ({ ...passed(host), ...(why === undefined ? {} : { skipped: why }) })),
  ]);
}

/** Those of the plan, in its order; a run without one has those whose gates were asked. */
function stageSuites(model: RunModel, plan: Plan | undefined, events: readonly Event[]): TestSuite[] {
  const gates = Map.groupBy(lastOfEach(events), (gate) => gate.stage);
  const planned = new Map(plan?.stages.map((stage) => [stage.name, stage]));
  return [...new Set([...planned.keys(), ...gates.keys()])].map((name) => ({
    name,
    cases: [
      ...hostCases(planned.get(name), model.stages.get(name), events),
      ...byName((gates.get(name) ?? []).map(({ title, ms }) => passed(title, ms))),
    ],
  }));
}

function hostCases(plan: StagePlan | undefined, stage: StageModel | undefined, events: readonly Event[]): TestCase[] {
  if (plan?.deferred && plan.hosts.length === 0 && !isDone(stage))
    return [{ ...passed('later'), skipped: `known after ${plan.deferred.until}: ${plan.deferred.why}` }];
  return (plan?.hosts ?? []).map((host) => {
    const ended = events.findLast(
      (event) => event.type === 'host-end' && event.stage === plan?.name && event.host === host.host,
    );
    const skipped = whyNot(changesOf(host).length, stage, stage?.hosts.get(host.host)?.status);
    return { ...passed(host.host, ended?.type === 'host-end' ? ended.ms : 0), ...(skipped ? { skipped } : {}) };
  });
}

function isDone(stage: StageModel | undefined): boolean {
  return stage?.status === 'changed' || stage?.status === 'unchanged';
}

function whyNot(changes: number, stage: StageModel | undefined, status = 'waiting'): string | undefined {
  if (stage?.status === 'skipped') return stage.why ?? 'skipped';
  if (isDone(stage) || changes === 0 || status === 'changed' || status === 'failed') return undefined;
  return status === 'running' ? 'not brought to its end' : `${counted(changes, 'change')} pending`;
}

/** The gate that it names, else its host; of no stage: the run as a whole. */
function caseOf(error: McpkError, { suites, run, gates }: Suites): TestCase {
  const suite = suites.find(({ name }) => name === error.stage);
  const named = (suite ? [suite] : suites)
    .flatMap(({ cases }) => cases)
    .find(({ name }) => gates.has(name) && error.message.includes(name));
  if (named) return named;
  const { cases } = suite ?? run;
  const name = error.host ?? suite?.name ?? 'run';
  const found = cases.find((each) => each.name === name);
  if (found) return found;
  const made = passed(name);
  cases.push(made);
  return made;
}

function failureOf({ code, message, details, hint }: McpkError): TestCase['failures'][number] {
  return { type: code, message, lines: [...details, ...(hint === undefined ? [] : [`hint  ${hint}`])] };
}

/** What failed and is in no error, as of a run that never came to its end. */
function tellUntold(suite: TestSuite, stage: StageModel | undefined, events: readonly Event[]): void {
  const gates = lastOfEach(events).filter((gate) => gate.stage === suite.name && gate.status === 'failed');
  const tell = (name: string, type: string, message: string): void => {
    const own = suite.cases.find((each) => each.name === name);
    if (own?.failures.length === 0) own.failures.push({ type, message, lines: [] });
  };
  for (const { title, seen } of gates) tell(title, 'gate', seen ?? 'not so');
  for (const [name, { status, message }] of stage?.hosts ?? [])
    if (status === 'failed') tell(name, 'stage', message ?? 'failed');
}
