import { McpkError } from '../../core/errors.ts';
import type { Facts, Moves } from '../../cluster/facts.ts';
import type { GateCheck } from '../../cluster/gate.ts';
import { isNew } from '../../cluster/laid.ts';
import { askMoves, movesOf } from '../../cluster/moves.ts';
import { runningVersions } from '../../cluster/running.ts';
import { foreignNodes } from '../../cluster/foreign.ts';
import { skewProblems } from '../../core/skew.ts';
import { hostsWith } from '../../inventory/types.ts';
import type { Stage, Step } from '../../states/stage.ts';
import type { EngineInput } from '../input.ts';
import { runningPlan } from '../plan/plan.ts';
import { open } from '../read/open.ts';
import type { RunningPlan, RunResult } from '../types.ts';
import { askingHands, trafficOf, type AskingHands } from '../work/hands.ts';
import { resultOf } from '../work/result.ts';
import { asErrors } from '../work/run-state.ts';
import { stagesInScope } from './in-scope.ts';

/** Gates are asked to hold now; a cluster that only starts is not verified yet. */
const PATIENCE_S = 10;

export interface VerifyResult extends RunResult {
  running: RunningPlan;
  /** Absent where it is not known. */
  moves?: Moves;
}

/** `mcpk verify`: every gate once more, then the active checks of the stages. */
export async function verifyRun(input: EngineInput): Promise<VerifyResult> {
  const started = performance.now();
  const opened = await open(input, 'none', askMoves(input.cluster));
  try {
    const { fleet, reader, facts, since, answers } = opened;
    const moves = movesOf(input.cluster, facts, answers);
    for (const { message } of foreignNodes(input.cluster, facts)) input.emit({ at: since(), type: 'warning', message });
    const hands = askingHands({ fleet, reader }, { emit: input.emit, since, signal: input.signal });
    const { failures, stages } = await verifyOpened({ input, facts, hands, since });
    const ms = performance.now() - started;
    const counts = { unchanged: 0, changed: 0, removed: 0 };
    const result = resultOf({ id: '', failures, rolledBack: [] }, trafficOf(fleet), stages, ms, counts);
    return { ...result, running: runningPlan(facts), ...(moves ? { moves } : {}) };
  } finally {
    await opened.fleet.close();
  }
}

/**
 * Of hosts that are reached. One on which nothing is fails by that alone: its gates would only say so again. So do
 * versions that must not run side by side.
 */
export async function verifyOpened({
  input,
  facts,
  hands,
  since,
}: Verifying & { input: EngineInput; since: () => number }): Promise<{
  failures: McpkError[];
  stages: RunResult['stages'];
}> {
  const bare = input.cluster.hosts.flatMap(({ name }) => {
    const own = facts.hosts.get(name);
    return own && isNew(own) ? [name] : [];
  });
  const skew = skewProblems(runningVersions(facts)).map(
    ({ host, message, hint }) => new McpkError('gate', message, { host, hint }),
  );
  const failures = [...bare.map(nothingThere), ...skew];
  for (const { message } of failures)
    input.emit({
      at: since(),
      type: 'gate',
      stage: input.stages[0]?.name ?? '',
      title: message,
      status: 'failed',
      ms: 0,
    });
  const stages: RunResult['stages'] = [];
  if (hostsWith(input.cluster, 'master').every(({ name }) => bare.includes(name))) return { failures, stages };
  const wanted = stagesInScope(input);
  for (const stage of input.stages.filter((each) => wanted.has(each.name))) {
    const begun = performance.now();
    const hosts = stage
      .hosts(input.cluster)
      .map((host) => host.name)
      .filter((name) => facts.hosts.has(name) && !bare.includes(name));
    const found = await verifyStage({ input, facts, hands }, { stage, hosts });
    if (found === undefined) continue;
    failures.push(...found);
    const status = found.length > 0 ? 'failed' : 'unchanged';
    stages.push({ name: stage.name, status, changed: 0, ms: performance.now() - begun, hosts });
  }
  return { failures, stages };
}

function nothingThere(host: string): McpkError {
  return new McpkError('gate', `nothing of mcpk is on ${host}`, { host, hint: 'mcpk apply sets it up.' });
}

interface Verifying {
  input: Pick<EngineInput, 'cluster' | 'signal'>;
  facts: Facts;
  hands: AskingHands;
}

/** What is wrong with one stage; undefined when it has nothing to check. */
export async function verifyStage(
  { input, facts, hands }: Verifying,
  { stage, hosts }: { stage: Stage; hosts: string[] },
): Promise<McpkError[] | undefined> {
  const { cluster, signal } = input;
  const context = { cluster, facts, hosts };
  const active = stage.verify?.(context);
  const gates = active?.checks ?? (stage.gate?.(context) ?? []).map(withPatience);
  if (gates.length === 0) return undefined;
  const failures: McpkError[] = [];
  const note = (error: unknown): void => void failures.push(...asErrors(error, stage.name, cluster.hidden));
  try {
    for (const step of active?.setup ?? []) await must(hands, step, signal);
    // Each by itself: one that does not hold says nothing about the others.
    await Promise.all(gates.map((gate) => hands.hold([gate], { stage: stage.name }).catch(note)));
  } catch (error) {
    note(error);
  } finally {
    for (const step of active?.teardown ?? []) await must(hands, step, signal).catch(() => undefined);
  }
  return failures;
}

function withPatience(gate: GateCheck): GateCheck {
  return { ...gate, deadline: Math.min(gate.deadline, PATIENCE_S) };
}

async function must(hands: AskingHands, step: Step, signal: AbortSignal): Promise<void> {
  const [answer] = await hands.steps([step], signal);
  if (answer?.exitCode !== 0)
    throw new McpkError('gate', `${step.title} on ${step.on}: ${(answer?.stderr ?? '').trim()}`, { host: step.on });
}
