import { failure, McpkError } from '../../core/errors.ts';
import type { GateCheck, GateContext } from '../../cluster/gate.ts';
import type { Stage } from '../../states/stage.ts';
import type { Batch, ProgramStage } from '../plan/program.ts';
import type { PlannedStep, StagePlan } from '../types.ts';
import type { Doing } from './doing.ts';
import { holdGuards } from './guard.ts';
import { letInWell } from './let-in.ts';
import { callsForRollback, hostsAtFault, judge, notRolledBack, rollBackHosts } from './rollback.ts';
import { asErrors } from './run-state.ts';
import { isNoted, takeSteps, undo, type FailedStep } from './take-step.ts';

export interface InBatch {
  planned: StagePlan;
  batch: Batch;
}

/**
 * A batch with what surrounds it. What fails goes back, and with it what was stepped aside for it.
 *
 * @throws McpkError or FailureList, once nothing of it is under way any more
 */
export async function runBatch(doing: Doing, each: ProgramStage, { planned, batch }: InBatch): Promise<void> {
  const { stage } = each;
  const { state } = doing;
  const done: PlannedStep[] = [];
  const out = leftOutBefore(batch, state);
  let begun = planned.batches.slice(0, batch.index);
  let present = batch;
  try {
    checkGoesOn(doing, stage.name);
    await holdGuards(doing, stage, planned, batch.index);
    const groups = sideBySide(batch.before);
    const lastLong = groups.findLastIndex((steps) => steps.some(({ long }) => long));
    for (const [index, steps] of groups.entries()) {
      checkGoesOn(doing, stage.name);
      const taken = steps.filter(({ node }) => node === undefined || !out.has(node));
      // Undone too when it fails: half of it may be done, and an undo of nothing does nothing.
      done.push(...taken);
      const failed = await takeSteps(doing, stage, taken);
      for (const node of await leaveOut(doing, stage, { done, failed })) out.add(node);
      // What held before a drain of many minutes need not hold now that hosts go down.
      if (index === lastLong) await holdGuards(doing, stage, planned, batch.index);
    }
    present = without(batch, out);
    // Until now nothing was changed for good: what was stepped aside is put back.
    checkGoesOn(doing, stage.name);
    begun = planned.batches.slice(0, batch.index + 1);
    await workOn(doing, stage, present);
    await takeAll(doing, stage, present.after);
    doing.hands.settle(stage.name, [...batch.hosts, ...done.filter(isNoted).map((step) => step.on)]);
    // Between batches the gate decides whether the next may start; after the last one it is asked of all.
    await hold(doing, each, batch.gates, present.hosts);
  } catch (error) {
    state.stop();
    const [cause, ...others] = asErrors(error, stage.name);
    const atFault = hostsAtFault(begun, batch.index, cause);
    const isBegun = begun.length > batch.index;
    // A node that may have changed is let in again only once it is seen to be well.
    const waits = (step: PlannedStep): boolean => isBegun && step.node !== undefined;
    const booted = bootedHosts(batch, [cause, ...others]);
    const back = await rollBackHosts(doing, planned, atFault, cause);
    const left = await undo(
      doing,
      stage.name,
      done.filter((step) => !waits(step) && !(isBegun && booted.has(step.on))),
    );
    const holdOf = (hosts: readonly string[]): Promise<void> => hold(doing, each, hosts);
    const said = back.length === 0 ? notRolledBack(planned, atFault, cause) : await judge(doing, back, cause, holdOf);
    const cordoned = await letInWell(doing, stage.name, { steps: done.filter(waits), back, cause, hold: holdOf });
    throw failure([said, ...others, ...left, ...cordoned]);
  }
  await takeAll(doing, stage, present.held);
}

/** Nodes that did not drain in another stage, and would have to in this one. */
function leftOutBefore({ before }: Batch, { leftOut }: Pick<Doing['state'], 'leftOut'>): Set<string> {
  const skippable = before.flatMap(({ node, orSkip }) => (orSkip && node !== undefined ? [node] : []));
  return new Set(skippable.filter((node) => leftOut.has(node)));
}

/**
 * Nodes of steps that failed: they are put back as they were and left out, where that is allowed of so many.
 *
 * @throws McpkError or FailureList, where it is not
 */
async function leaveOut(
  doing: Doing,
  stage: Stage,
  { done, failed }: { done: PlannedStep[]; failed: readonly FailedStep[] },
): Promise<string[]> {
  const { state, program } = doing;
  const [first, ...rest] = failed.map(({ error }) => error);
  if (!first) return [];
  // Of a host that was lost in the middle nobody knows whether the pods would have gone.
  const nodes = failed.flatMap(({ step: { orSkip, node }, error }) =>
    orSkip && node !== undefined && error.code === 'stage' ? [node] : [],
  );
  const outOfAll = new Set([...state.leftOut, ...nodes]);
  if (state.signal.aborted || nodes.length < failed.length || outOfAll.size > program.maxFailures)
    throw failure([first, ...rest]);
  for (const node of nodes) {
    state.leftOut.add(node);
    const own = done.filter((step) => step.node === node);
    done.splice(0, done.length, ...done.filter((step) => step.node !== node));
    for (const error of await undo(doing, stage.name, own)) state.note(error);
  }
  for (const { step, error } of failed)
    state.note(
      new McpkError('stage', `${stage.name}: ${step.node ?? ''} was left out: its pods did not go`, {
        host: step.node,
        stage: stage.name,
        details: [...error.details],
        hint: 'The node is as it was before. See what keeps its pods, then run the same command again.',
        cause: error,
      }),
    );
  return nodes;
}

/** A batch without some of its hosts. */
function without(batch: Batch, out: ReadonlySet<string>): Batch {
  const stays = ({ node }: PlannedStep): boolean => node === undefined || !out.has(node);
  return {
    ...batch,
    hosts: batch.hosts.filter((host) => !out.has(host)),
    work: batch.work.filter(({ plan }) => !out.has(plan.host)),
    steps: batch.steps.filter(({ on }) => !out.has(on)),
    after: batch.after.filter(stays),
    held: batch.held.filter(stays),
  };
}

/** Hosts that went down to boot: what was stopped there starts with them. */
function bootedHosts({ steps }: Batch, errors: readonly McpkError[]): Set<string> {
  const refused = new Set(errors.flatMap(({ code, host }) => (code === 'stage' ? [host] : [])));
  return new Set(steps.flatMap(({ boots, on }) => (boots && !refused.has(on) ? [on] : [])));
}

/** In their order; those that go together and stand next to each other are one group. */
function sideBySide(steps: readonly PlannedStep[]): PlannedStep[][] {
  const groups: PlannedStep[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (step.together !== undefined && step.together === last?.[0]?.together) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/** All of a group are taken before what failed is thrown. */
async function takeAll(doing: Doing, stage: Stage, steps: readonly PlannedStep[]): Promise<void> {
  for (const group of sideBySide(steps)) await takeGroup(doing, stage, group);
}

async function takeGroup(doing: Doing, stage: Stage, steps: readonly PlannedStep[]): Promise<void> {
  if (steps.length === 0) return;
  const [first, ...rest] = await takeSteps(doing, stage, steps);
  if (first) throw failure([first.error, ...rest.map(({ error }) => error)]);
}

/** Members of a batch don't fail each other: all finish before the first failure is reported. */
async function workOn(doing: Doing, stage: Stage, { work, steps }: Batch): Promise<void> {
  const { hands, state } = doing;
  const results = await Promise.allSettled([
    ...work.map(({ by, plan }) =>
      hands[by](stage.name, plan).catch((error: unknown) => {
        state.stop();
        throw error;
      }),
    ),
    takeGroup(doing, stage, steps),
  ]);
  const errors = results.flatMap((each) => (each.status === 'rejected' ? asErrors(each.reason, stage.name) : []));
  const [first, ...rest] = errors.toSorted((a, b) => Number(callsForRollback(b)) - Number(callsForRollback(a)));
  if (first) throw failure([first, ...rest]);
}

/** A batch begins, and what its steps prepared is done, only while nothing has failed anywhere. */
function checkGoesOn({ state }: Doing, stage: string): void {
  if (state.stopped) throw new McpkError('stage', `${stage}: not continued, because another stage failed`);
  state.signal.throwIfAborted();
}

/** Gates of `changed` come first: of several that don't hold, the first one decides who goes back. */
export async function hold(
  { program, hands, state }: Doing,
  { stage }: ProgramStage,
  hosts: readonly string[],
  changed: readonly string[] = [],
): Promise<void> {
  const { cluster, staged } = program;
  const context: GateContext = { cluster, facts: hands.facts, hosts, ...(staged ? { staged } : {}) };
  const isOfChange = ({ host }: GateCheck): boolean => host !== undefined && changed.includes(host);
  const gates = (stage.gate?.(context) ?? []).toSorted((a, b) => Number(isOfChange(b)) - Number(isOfChange(a)));
  await hands.hold(gates, {
    stage: stage.name,
    stop: () => state.stop(),
    hint: 'Nothing after this stage was started. Run the same command again once it is mended.',
  });
}
