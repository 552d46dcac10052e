import { failure, McpkError } from '../../core/errors.ts';
import type { GateCheck, GateContext } from '../../cluster/gate.ts';
import { owedSteps } from '../plan/owed.ts';
import { batchesOf, gatedHosts, type Batch, type Program, type ProgramStage } from '../plan/program.ts';
import { changesOf, type PlannedStep, type RunResult, type StagePlan } from '../types.ts';
import type { Doing } from './doing.ts';
import { holdGuards } from './guard.ts';
import type { Hands } from './hands.ts';
import { callsForRollback, hostsAtFault, judge, notRolledBack, rollBackHosts } from './rollback.ts';
import { asErrors, type RunState } from './run-state.ts';
import { takeStep, undo } from './take-step.ts';

type StageResult = RunResult['stages'][number];

/**
 * Carries out a program: stages as soon as their `needs` are done, batches in order, the hosts of a batch side
 * by side. After the first failure nothing new starts; what runs finishes.
 */
export async function execute(program: Program, hands: Hands, state: RunState): Promise<StageResult[]> {
  const doing: Doing = { program, hands, state };
  const pending = new Map<string, Promise<StageResult>>();
  for (const each of program.stages) {
    const needs = each.stage.needs.flatMap((need) => pending.get(need) ?? []);
    pending.set(
      each.stage.name,
      Promise.all(needs).then((before) => runStage(doing, each, before)),
    );
  }
  return Promise.all(pending.values());
}

async function runStage(doing: Doing, each: ProgramStage, before: readonly StageResult[]): Promise<StageResult> {
  const { state, hands, program } = doing;
  const { name } = each.stage;
  const started = performance.now();
  const end = (status: StageResult['status'], changed: number, hosts: string[], why?: string): StageResult => {
    const ms = performance.now() - started;
    const more = why === undefined ? {} : { why };
    state.emit({ at: state.since(), type: 'stage-end', stage: name, status, ms, changed, ...more });
    return { name, status, changed, ms, hosts };
  };
  if (state.stopped || before.some((need) => need.status === 'failed' || need.status === 'skipped'))
    return end('skipped', 0, [], 'an earlier stage failed');
  if (state.signal.aborted) return end('skipped', 0, [], 'interrupted');
  if (!each.inScope) return { name, status: 'unchanged', changed: 0, ms: 0, hosts: [] };
  try {
    const planned = await hands.planOf(each);
    const touched = planned.batches.flat();
    const hosts = planned.hosts.map(({ host }) => host).filter((host) => touched.includes(host));
    const changes = planned.hosts.reduce((sum, host) => sum + changesOf(host).length, 0);
    const changed = changes + owedSteps(planned).length;
    if (hosts.length > 0) state.emit({ at: state.since(), type: 'stage-start', stage: name, hosts });
    for (const batch of batchesOf(planned, program)) await runBatch(doing, each, { planned, batch });
    if (hosts.length === 0 && !each.isHeld) await hold(doing, each, gatedHosts(planned));
    return end(hosts.length > 0 ? 'changed' : 'unchanged', changed, hosts);
  } catch (error) {
    state.fail(error, name);
    return end('failed', 0, []);
  }
}

interface InBatch {
  planned: StagePlan;
  batch: Batch;
}

/** A batch with what surrounds it. What fails goes back, and with it what was stepped aside for it. */
async function runBatch(doing: Doing, each: ProgramStage, { planned, batch }: InBatch): Promise<void> {
  const { stage } = each;
  const done: PlannedStep[] = [];
  let begun = planned.batches.slice(0, batch.index);
  try {
    checkGoesOn(doing, stage.name);
    await holdGuards(doing, stage, planned, batch.index);
    for (const step of batch.before) {
      checkGoesOn(doing, stage.name);
      // Undone too when it fails: half of it may be done, and an undo of nothing does nothing.
      done.push(step);
      await takeStep(doing, stage, step);
    }
    // Until now nothing was changed for good: what was stepped aside is put back.
    checkGoesOn(doing, stage.name);
    begun = planned.batches.slice(0, batch.index + 1);
    await workOn(doing, stage.name, batch);
    for (const step of batch.after) await takeStep(doing, stage, step);
    doing.hands.settle(stage.name, [...batch.hosts, ...done.map((step) => step.on)]);
    // Between batches the gate decides whether the next may start; after the last one it is asked of all.
    await hold(doing, each, batch.gates, batch.hosts);
  } catch (error) {
    doing.state.stop();
    const [cause, ...others] = asErrors(error, stage.name);
    const atFault = hostsAtFault(begun, batch.index, cause);
    const back = await rollBackHosts(doing, planned, atFault, cause);
    const left = await undo(doing, stage.name, done);
    if (back.length === 0) throw failure([notRolledBack(planned, atFault, cause), ...others, ...left]);
    throw failure([await judge(doing, back, cause, (hosts) => hold(doing, each, hosts)), ...others, ...left]);
  }
  for (const step of batch.held) await takeStep(doing, stage, step);
}

/** Members of a batch don't fail each other: all finish before the first failure is reported. */
async function workOn({ hands, state }: Doing, stage: string, { work }: Batch): Promise<void> {
  const results = await Promise.allSettled(
    work.map(({ by, plan }) =>
      hands[by](stage, plan).catch((error: unknown) => {
        state.stop();
        throw error;
      }),
    ),
  );
  const errors = results.flatMap((each) => (each.status === 'rejected' ? asErrors(each.reason, stage) : []));
  const [first, ...rest] = errors.toSorted((a, b) => Number(callsForRollback(b)) - Number(callsForRollback(a)));
  if (first) throw failure([first, ...rest]);
}

/** A batch begins, and what its steps prepared is done, only while nothing has failed anywhere. */
function checkGoesOn({ state }: Doing, stage: string): void {
  if (state.stopped) throw new McpkError('stage', `${stage}: not continued, because another stage failed`);
  state.signal.throwIfAborted();
}

/** Gates of `changed` come first: of several that don't hold, the first one decides who goes back. */
async function hold(
  { program, hands, state }: Doing,
  { stage }: ProgramStage,
  hosts: readonly string[],
  changed: readonly string[] = [],
): Promise<void> {
  const context: GateContext = { cluster: program.cluster, facts: hands.facts, hosts };
  const isOfChange = ({ host }: GateCheck): boolean => host !== undefined && changed.includes(host);
  const gates = (stage.gate?.(context) ?? []).toSorted((a, b) => Number(isOfChange(b)) - Number(isOfChange(a)));
  await hands.hold(gates, {
    stage: stage.name,
    stop: () => state.stop(),
    hint: 'Nothing after this stage was started. Run the same command again once it is mended.',
  });
}
