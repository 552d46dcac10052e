import { McpkError } from '../../core/errors.ts';
import { execute } from './execute.ts';
import { forced, refusedError } from './guard.ts';
import { prune } from './prune.ts';
import { finish } from './result.ts';
import type { Run } from './run-context.ts';
import type { Plan, RunResult } from '../types.ts';

export interface CarryOut {
  confirm(plan: Plan): Promise<boolean>;
  /** ms, of performance.now(). */
  started: number;
  /** Hosts on which what an earlier run left half done is done now. */
  mended?(): string[];
}

/** From the plan to its result: refuses, asks, executes. */
export async function carryOut(run: Run, how: CarryOut): Promise<RunResult> {
  checkRefused(run);
  if (run.plan.summary.changes + run.plan.summary.deferred > 0 && !(await how.confirm(run.plan))) {
    throw new McpkError('interrupted', 'declined', { hint: 'Nothing was changed.' });
  }
  run.emit({ at: run.since(), type: 'phase', name: 'execute', state: 'start' });
  const stages = await execute(run);
  await run.journal.close(run.failures, how.mended?.() ?? []);
  await prune(run, stages);
  run.emit({ at: run.since(), type: 'phase', name: 'execute', state: 'end' });
  return finish(run, stages, performance.now() - how.started);
}

function checkRefused(run: Run): void {
  const [first, ...rest] = run.plan.refused;
  if (!first) return;
  if (!run.forceUnsafe) throw refusedError([first, ...rest]);
  for (const each of run.plan.refused) run.emit({ at: run.since(), type: 'warning', message: forced(each) });
}
