import { failure, McpkError } from '../../core/errors.ts';
import { quote } from '../../core/quote.ts';
import type { GateCheck, GateContext } from '../../cluster/gate.ts';
import type { Stage } from '../../states/stage.ts';
import { ask } from '../hosts/ask.ts';
import { holdGates, runStep } from '../hosts/gates.ts';
import { API, changesOf, type PlannedStep, type RunResult, type StagePlan } from '../types.ts';
import { holdGuards } from './guard.ts';
import { callsForRollback, judge, notRolledBack, rollBackBatch } from './rollback.ts';
import { asErrors, type Run } from './run-context.ts';

type StageResult = RunResult['stages'][number];

/**
 * Carries out the plan: stages as soon as their `needs` are done, batches in order, the hosts of a batch side
 * by side. After the first failure nothing new starts; what runs finishes.
 */
export async function execute(run: Run): Promise<StageResult[]> {
  const pending = new Map<string, Promise<StageResult>>();
  for (const stage of run.stages) {
    const needs = stage.needs.flatMap((need) => pending.get(need) ?? []);
    pending.set(
      stage.name,
      Promise.all(needs).then((before) => runStage(run, stage, before)),
    );
  }
  return Promise.all(pending.values());
}

async function runStage(run: Run, stage: Stage, before: readonly StageResult[]): Promise<StageResult> {
  const started = performance.now();
  const end = (status: StageResult['status'], changed: number, hosts: string[], why?: string): StageResult => {
    const ms = performance.now() - started;
    run.emit({
      at: run.since(),
      type: 'stage-end',
      stage: stage.name,
      status,
      ms,
      changed,
      ...(why === undefined ? {} : { why }),
    });
    return { name: stage.name, status, changed, ms, hosts };
  };
  if (run.stopped || before.some((need) => need.status === 'failed' || need.status === 'skipped')) {
    return end('skipped', 0, [], 'an earlier stage failed');
  }
  if (run.signal.aborted) return end('skipped', 0, [], 'interrupted');
  if (!run.inScope.has(stage.name)) return { name: stage.name, status: 'unchanged', changed: 0, ms: 0, hosts: [] };
  let planned: StagePlan | undefined;
  try {
    planned = await run.stagePlan(stage);
    const hosts = planned.hosts.filter((host) => changesOf(host).length > 0).map((host) => host.host);
    const changed = planned.hosts.reduce((sum, host) => sum + changesOf(host).length, 0);
    if (hosts.length > 0) run.emit({ at: run.since(), type: 'stage-start', stage: stage.name, hosts });
    for (const index of planned.batches.keys()) await runBatch(run, stage, planned, index);
    if (hosts.length === 0 && !run.gateHeld.has(stage.name)) await hold(run, stage, hostsOf(planned));
    return end(hosts.length > 0 ? 'changed' : 'unchanged', changed, hosts);
  } catch (error) {
    run.fail(error, stage.name);
    return end('failed', 0, []);
  }
}

async function runBatch(run: Run, stage: Stage, planned: StagePlan, index: number): Promise<void> {
  checkGoesOn(run, stage);
  await holdGuards(run, stage, planned, index);
  await convergeBetween(run, stage, planned, index);
  for (const step of stepsOf(planned, index, 'held')) await takeStep(run, stage.name, step);
}

/** The batch with what surrounds it. What fails goes back, and with it what was stepped aside for it. */
async function convergeBetween(run: Run, stage: Stage, planned: StagePlan, index: number): Promise<void> {
  const batch = planned.batches[index] ?? [];
  const done: PlannedStep[] = [];
  try {
    for (const step of stepsOf(planned, index, 'before')) {
      checkGoesOn(run, stage);
      // Undone too when it fails: half of it may be done, and an undo of nothing does nothing.
      done.push(step);
      await takeStep(run, stage.name, step);
    }
    // Until now nothing was changed for good: what was stepped aside is put back.
    checkGoesOn(run, stage);
    await convergeBatch(run, stage.name, planned, batch);
    for (const step of stepsOf(planned, index, 'after')) await takeStep(run, stage.name, step);
    // Between batches the gate decides whether the next may start; after the last one it is asked of all.
    await hold(run, stage, index === planned.batches.length - 1 ? hostsOf(planned) : batch, batch);
  } catch (error) {
    run.stop();
    const [cause, ...others] = asErrors(error, stage.name);
    const back = await rollBackBatch(run, planned, batch, cause);
    const left = await undo(run, stage.name, done);
    if (back.length === 0) throw failure([notRolledBack(planned, cause), ...others, ...left]);
    throw failure([await judge(run, back, cause, (hosts) => hold(run, stage, hosts)), ...others, ...left]);
  }
}

function stepsOf({ steps }: StagePlan, batch: number, when: PlannedStep['when']): PlannedStep[] {
  return steps.filter((step) => step.batch === batch && step.when === when);
}

/** Members of a batch don't fail each other: all finish before the first failure is reported. */
async function convergeBatch(run: Run, stage: string, planned: StagePlan, batch: readonly string[]): Promise<void> {
  const plans = planned.hosts.filter((plan) => batch.includes(plan.host));
  const results = await Promise.allSettled(
    plans.map((plan) =>
      run.work(stage, plan).catch((error: unknown) => {
        run.stop();
        throw error;
      }),
    ),
  );
  const errors = results.flatMap((each) => (each.status === 'rejected' ? asErrors(each.reason, stage) : []));
  const [first, ...rest] = errors.toSorted((a, b) => Number(callsForRollback(b)) - Number(callsForRollback(a)));
  if (first) throw failure([first, ...rest]);
}

/** A batch begins, and what its steps prepared is done, only while nothing has failed anywhere. */
function checkGoesOn(run: Run, stage: Stage): void {
  if (run.stopped) throw new McpkError('stage', `${stage.name}: not continued, because another stage failed`);
  run.signal.throwIfAborted();
}

async function takeStep(run: Run, stage: string, step: PlannedStep): Promise<void> {
  run.emit({ at: run.since(), type: 'step', stage, host: step.on, title: step.title, status: 'start' });
  const answer = await runStep(run.fleet, step, run.signal);
  if (answer?.exitCode !== 0) {
    run.emit({ at: run.since(), type: 'step', stage, host: step.on, title: step.title, status: 'failed' });
    throw new McpkError('stage', `${stage}: step failed: ${step.title}`, {
      host: step.on,
      details: [(answer?.stderr ?? '').trim() || `exit code ${String(answer?.exitCode)}`],
    });
  }
  run.emit({ at: run.since(), type: 'step', stage, host: step.on, title: step.title, status: 'done' });
}

/** The last step first; gives back what could not be undone. */
async function undo(run: Run, stage: string, done: readonly PlannedStep[]): Promise<McpkError[]> {
  const left: McpkError[] = [];
  for (const { on: host, title, undo: argv } of done.toReversed()) {
    if (!argv) continue;
    const [answer] = await ask(run.fleet, [{ host, argv }], AbortSignal.timeout(30_000));
    const isUndone = answer?.exitCode === 0;
    run.emit({ at: run.since(), type: 'step', stage, host, title, status: isUndone ? 'undone' : 'not-undone' });
    if (isUndone) continue;
    left.push(
      new McpkError('stage', `${stage}: could not be undone: ${title}`, {
        host,
        details: [(answer?.stderr ?? '').trim() || `exit code ${String(answer?.exitCode)}`],
        hint: `Do it by hand on ${host}: ${quote(argv)}`,
      }),
    );
  }
  return left;
}

function hostsOf(planned: StagePlan): string[] {
  return planned.hosts.filter((host) => host.host !== API).map((host) => host.host);
}

/** Gates of `changed` come first: of several that don't hold, the first one decides who goes back. */
async function hold(run: Run, stage: Stage, hosts: readonly string[], changed: readonly string[] = []): Promise<void> {
  const context: GateContext = { cluster: run.cluster, facts: run.facts, hosts };
  const isOfChange = ({ host }: GateCheck): boolean => host !== undefined && changed.includes(host);
  const gates = (stage.gate?.(context) ?? []).toSorted((a, b) => Number(isOfChange(b)) - Number(isOfChange(a)));
  await holdGates(
    {
      fleet: run.fleet,
      stage: stage.name,
      emit: run.emit,
      since: () => run.since(),
      signal: run.signal,
      stop: () => run.stop(),
      hint: 'Nothing after this stage was started. Run the same command again once it is mended.',
    },
    gates,
  );
}
