import type { RunResult } from '../types.ts';
import type { Doing } from './doing.ts';
import type { RunState } from './run-state.ts';

/** Ends a run: counts, traffic, and the event that tells of them. */
export function finish(
  { program, hands, state }: Doing,
  stages: RunResult['stages'],
  { ms, ...more }: Pick<RunResult, 'ms' | 'snapshot'>,
): RunResult {
  const changed = stages.reduce((sum, stage) => sum + stage.changed, 0);
  const { changes, removals, unchanged } = program.plan.summary;
  const counts = { unchanged, changed, removed: removals };
  const all = { ...resultOf(state, hands.traffic(), stages, ms, counts), ...more };
  const done = all.status === 'succeeded' && changed > changes ? { ...all, knownLater: changed - changes } : all;
  state.emit({ at: state.since(), type: 'run-end', result: done });
  return done;
}

/** The first failure decides the exit code. */
export function resultOf(
  { id, failures, rolledBack }: Pick<RunState, 'id' | 'failures' | 'rolledBack'>,
  traffic: RunResult['traffic'],
  stages: RunResult['stages'],
  ms: number,
  counts: { unchanged: number; changed: number; removed: number },
): RunResult {
  const first = failures[0];
  return {
    status: first ? (first.code === 'interrupted' ? 'interrupted' : 'failed') : 'succeeded',
    run: id,
    succeeded: counts.unchanged + counts.changed,
    changed: counts.changed,
    failed: failures.length,
    pending: 0,
    removed: counts.removed,
    ms,
    exitCode: first?.exitCode ?? 0,
    errors: failures,
    rolledBack,
    stages,
    traffic,
  };
}
