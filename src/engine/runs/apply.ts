import type { EngineInput } from '../input.ts';
import { checkHolds } from '../plan/stale.ts';
import { open } from '../read/open.ts';
import { leavesRest, whileRefused } from '../read/refused-by-api.ts';
import type { Plan, RunResult } from '../types.ts';
import { carryOut } from '../work/carry-out.ts';
import { converging, isInPlace, stagesInScope } from './in-scope.ts';
import { prepare, type Prepared } from './prepare.ts';
import { snapshotFirst } from './snapshot-first.ts';

export interface ApplyInput extends EngineInput {
  confirm(plan: Plan): Promise<boolean>;
  /** Made before: just this is done, or nothing. */
  saved?: Plan;
}

/** `mcpk apply`: plans, asks, executes. */
export async function applyRun(options: ApplyInput): Promise<RunResult> {
  const started = performance.now();
  const { saved } = options;
  const whole = converging(options);
  const opened = await open(whole, 'exclusive');
  try {
    const input = whileRefused(whole, opened);
    const wanted = stagesInScope(input);
    const inPlace = input.stages.filter(
      (stage) => wanted.has(stage.name) && isInPlace(stage, input.cluster, opened.facts),
    );
    const prepared = await prepare(input, opened, { inPlace, saved });
    if (saved) checkHolds(saved, prepared.program.plan);
    const confirm = (plan: Plan): Promise<boolean> => input.confirm(plan);
    const { snapshot } = prepared.program.plan;
    const result = await carryOut(prepared, {
      confirm,
      started,
      ...(snapshot ? { first: async () => ({ snapshot: await snapshotFirst(prepared.means, snapshot) }) } : {}),
      mended: () => finished(prepared, input),
    });
    return leavesRest(whole, input) ? { ...result, onlyAccess: true } : result;
  } finally {
    await opened.fleet.close();
  }
}

/** Hosts on which what an earlier run left half done is done now. */
function finished({ state, cutOff }: Prepared, { selection }: EngineInput): string[] {
  if (state.failures.length > 0 || selection.only || selection.skip) return [];
  return cutOff.filter((host) => selection.limit?.has(host) ?? true);
}
