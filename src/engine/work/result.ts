import type { Run } from './run-context.ts';
import type { RunResult } from '../types.ts';

/** Ends a run: counts, traffic, and the event that tells of them. */
export function finish(run: Run, stages: RunResult['stages'], ms: number): RunResult {
  const changed = stages.reduce((sum, stage) => sum + stage.changed, 0);
  const removed = run.plan.summary.removals;
  const done = resultOf(run, stages, ms, { unchanged: run.plan.summary.unchanged, changed, removed });
  run.emit({ at: run.since(), type: 'run-end', result: done });
  return done;
}

/** The first failure decides the exit code. */
export function resultOf(
  run: Pick<Run, 'id' | 'failures' | 'fleet'> & Partial<Pick<Run, 'rolledBack'>>,
  stages: RunResult['stages'],
  ms: number,
  counts: { unchanged: number; changed: number; removed: number },
): RunResult {
  const first = run.failures[0];
  return {
    status: first ? (first.code === 'interrupted' ? 'interrupted' : 'failed') : 'succeeded',
    run: run.id,
    succeeded: counts.unchanged + counts.changed,
    changed: counts.changed,
    failed: run.failures.length,
    pending: 0,
    removed: counts.removed,
    ms,
    exitCode: first?.exitCode ?? 0,
    errors: run.failures,
    rolledBack: run.rolledBack ?? [],
    stages,
    traffic: Object.fromEntries([...run.fleet.sessions].map(([host, session]) => [host, { ...session.traffic }])),
  };
}
