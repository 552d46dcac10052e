import { understood } from '../../core/answer.ts';
import { McpkError } from '../../core/errors.ts';
import { pause } from '../../core/pause.ts';
import { inTurns } from '../../core/turns.ts';
import type { Answer, Ask, Explanation, GateCheck, GateContext } from '../../cluster/gate.ts';
import { unitJournal } from '../../cluster/journal.ts';
import { unitAnswer } from '../../cluster/unit.ts';
import type { Observed } from '../../resources/types.ts';
import type { Stage, Step } from '../../states/stage.ts';
import type { Emit } from '../types.ts';
import { ask } from './ask.ts';
import type { Fleet } from './fleet.ts';
import type { Reader } from './reader.ts';

const POLL_MS = 250;

/** Runs steps on their hosts, those of a host side by side. */
export async function runSteps(fleet: Fleet, steps: readonly Step[], signal: AbortSignal): Promise<Answer[]> {
  const asks = steps.map(({ on, run, stdin, long }) => ({
    host: on,
    argv: run,
    ...(stdin === undefined ? {} : { stdin }),
    ...(long ? { long } : {}),
  }));
  return ask(fleet, asks, signal);
}

export interface GateSeen {
  /** What is still wrong; undefined = it holds. */
  wrong: string | undefined;
  answers: readonly Answer[];
}

/** Asks each gate once. What a probe that is under way answers is not asked a second time. */
export async function askGates(
  reader: Reader,
  gates: readonly GateCheck[],
  probed?: Promise<ReadonlyMap<string, Observed>>,
): Promise<GateSeen[]> {
  const asks = gates.flatMap((gate) => gate.asks);
  const isProbed = (each: Ask): boolean => probed !== undefined && each.unit !== undefined;
  const open = asks.filter((each) => !isProbed(each));
  const [said, observed] = await Promise.all([reader.ask(open), probed]);
  const answerOf = new Map(open.map((each, index) => [each, said[index] as Answer]));
  const answers = asks.map(
    (each) => answerOf.get(each) ?? unitAnswer(each.host, observed?.get(each.host)?.units[each.unit ?? '']),
  );
  return inTurns(judging(gates, answers));
}

/** Each gate in a turn of its own. `answers` are those of all gates, one after another. */
function* judging(gates: readonly GateCheck[], answers: readonly Answer[]): Generator<undefined, GateSeen[]> {
  const seen: GateSeen[] = [];
  let offset = 0;
  for (const gate of gates) {
    yield;
    const own = answers.slice(offset, offset + gate.asks.length);
    offset += gate.asks.length;
    seen.push({ wrong: wrongWith(gate, own), answers: own });
  }
  return seen;
}

/** An answer of another shape than expected is no answer yet. */
function wrongWith(gate: GateCheck, answers: readonly Answer[]): string | undefined {
  try {
    return gate.check(answers);
  } catch (error) {
    return `an answer that cannot be read (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** Names of the stages whose gates hold as things are; those of others must be asked again. */
export async function heldStages(
  reader: Reader,
  stages: readonly Stage[],
  { cluster, facts }: Omit<GateContext, 'hosts'>,
  probed: Promise<ReadonlyMap<string, Observed>>,
): Promise<Set<string>> {
  const asked = stages.flatMap((stage) => {
    const hosts = stage.hosts(cluster).flatMap(({ name }) => (facts.hosts.has(name) ? [name] : []));
    return (stage.gate?.({ cluster, facts, hosts }) ?? []).map((gate) => ({ stage: stage.name, gate }));
  });
  const gates = asked.map((each) => each.gate);
  const seen = await askGates(reader, gates, probed);
  const held = new Set(stages.map((stage) => stage.name));
  for (const [index, { stage }] of asked.entries()) if (seen[index]?.wrong !== undefined) held.delete(stage);
  return held;
}

export interface GateRun {
  reader: Reader;
  stage: string;
  emit: Emit;
  since: () => number;
  signal: AbortSignal;
  /** Said when a gate does not hold. */
  hint?: string;
  /** What it is then: `gate` unless given. */
  code?: 'gate' | 'refused';
  /** Called as soon as one does not hold in time, before its journal is read. */
  stop?: () => void;
}

/**
 * Waits until all gates hold. A gate that does not hold by its deadline fails with what was seen last and what explains
 * it (pods, the journal of its unit); one that asks a host whose session is over fails at once.
 *
 * @throws McpkError `gate` (or what the run's `code` says, or the gate's), `unreachable`
 */
export async function holdGates(run: GateRun, gates: readonly GateCheck[]): Promise<void> {
  const started = performance.now();
  const followUps: GateCheck[] = [];
  let open = [...gates];
  while (open.length > 0) {
    run.signal.throwIfAborted();
    const seen = await askGates(run.reader, open);
    const ms = performance.now() - started;
    const still: GateCheck[] = [];
    for (const [index, gate] of open.entries()) {
      const { wrong, answers } = seen[index] ?? { wrong: 'no answer', answers: [] };
      if (wrong === undefined) {
        followUps.push(...understood(gate.asks[0]?.host ?? '', () => gate.next?.(answers) ?? []));
        run.emit({ at: run.since(), type: 'gate', stage: run.stage, title: gate.title, status: 'passed', ms });
      } else if (ms >= gate.deadline * 1000 || answers.some((answer) => answer.lost)) {
        run.stop?.();
        run.emit({
          at: run.since(),
          type: 'gate',
          stage: run.stage,
          title: gate.title,
          status: 'failed',
          seen: wrong,
          ms,
        });
        throw answers.find((answer) => answer.lost)?.lost ?? (await gateError(run, gate, { wrong, answers }));
      } else {
        run.emit({
          at: run.since(),
          type: 'gate',
          stage: run.stage,
          title: gate.title,
          status: 'waiting',
          seen: wrong,
          ms,
        });
        still.push(gate);
      }
    }
    open = still;
    if (open.length > 0) await pause(POLL_MS, run.signal);
  }
  if (followUps.length > 0) await holdGates(run, followUps);
}

/** A gate that did not hold in time; `judged` as its {@link GateCheck.host}. */
export class GateFailure extends McpkError {
  readonly judged: string | undefined;

  constructor(judged: string | undefined, ...[code, message, more]: ConstructorParameters<typeof McpkError>) {
    super(code, message, more);
    this.judged = judged;
  }
}

async function gateError(run: GateRun, gate: GateCheck, { wrong, answers }: GateSeen): Promise<GateFailure> {
  const explanations = [gate.explain?.(answers), gate.unit && unitJournal(gate.unit)];
  const told = await Promise.all(explanations.filter((each) => each !== undefined).map((each) => explained(run, each)));
  const judged = gate.host ?? gate.blames?.(answers);
  const host = judged ?? gate.unit?.host ?? gate.asks[0]?.host;
  const message = `${run.stage}: ${gate.title}: not so after ${String(gate.deadline)} s`;
  const details = [`last answer  ${wrong ?? 'none'}`, ...told.flat()];
  return new GateFailure(judged, run.code ?? gate.code ?? 'gate', message, { host, details, hint: run.hint });
}

/** What could not be read is left out: the gate's own failure is what counts. */
async function explained(run: GateRun, explanation: Explanation): Promise<string[]> {
  try {
    const { lines, next } = explanation.tell(await run.reader.ask(explanation.asks));
    return [...lines, ...(next ? await explained(run, next) : [])];
  } catch (error) {
    if (error instanceof McpkError) throw error;
    return [];
  }
}
