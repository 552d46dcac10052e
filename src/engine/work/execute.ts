import { owedSteps } from '../plan/owed.ts';
import { batchesOf, gatedHosts, type Program, type ProgramStage } from '../plan/program.ts';
import { changesOf, type RunResult } from '../types.ts';
import type { Doing } from './doing.ts';
import type { Hands } from './hands.ts';
import { hold, runBatch } from './run-batch.ts';
import type { RunState } from './run-state.ts';

type StageResult = RunResult['stages'][number];

/**
 * Carries out a program: stages as soon as what their plans need is done, batches in order, the hosts of a batch side
 * by side. After the first failure nothing new starts; what runs finishes.
 */
export async function execute(program: Program, hands: Hands, state: RunState): Promise<StageResult[]> {
  const doing: Doing = { program, hands, state };
  const pending = new Map<string, Promise<StageResult>>();
  for (const each of program.stages) {
    const needs = each.plan.needs.flatMap((need) => pending.get(need) ?? []);
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
    for (const batch of batchesOf(planned, program)) {
      if (batch.index > 0) await pauseBefore(doing, name);
      await runBatch(doing, each, { planned, batch });
    }
    if (hosts.length === 0 && !each.isHeld) await hold(doing, each, gatedHosts(planned));
    return end(hosts.length > 0 ? 'changed' : 'unchanged', changed, hosts);
  } catch (error) {
    state.fail(error, name);
    return end('failed', 0, []);
  }
}

/** Between batches, so that somebody can see how it goes. A stop ends it; a signal does so at once. */
async function pauseBefore({ program, hands, state }: Doing, stage: string): Promise<void> {
  const seconds = program.pause;
  if (seconds === 0) return;
  const until = performance.now() + seconds * 1000;
  const check = (): string | undefined => {
    const left = Math.ceil((until - performance.now()) / 1000);
    return left <= 0 || state.stopped ? undefined : `${String(left)} s to go`;
  };
  await hands.hold([{ title: `pause of ${String(seconds)} s`, asks: [], check, deadline: Infinity }], { stage });
}
