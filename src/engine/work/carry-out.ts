import { McpkError } from '../../core/errors.ts';
import type { Plan, RunResult } from '../types.ts';
import type { Doing } from './doing.ts';
import { execute } from './execute.ts';
import { forced, refusedError } from './guard.ts';
import { finish } from './result.ts';

export interface CarryOut {
  confirm(plan: Plan): Promise<boolean>;
  /** ms, of performance.now(). */
  started: number;
  /** What comes before all changes, once they are agreed to: where it fails, nothing was changed. */
  first?(): Promise<Pick<RunResult, 'snapshot'>>;
  /** Hosts on which what an earlier run left half done is done now. */
  mended?(): string[];
}

/** From the program to its result: refuses, asks, executes. */
export async function carryOut(doing: Doing, how: CarryOut): Promise<RunResult> {
  const { program, hands, state } = doing;
  const { plan } = program;
  checkRefused(doing);
  if (plan.summary.changes + plan.summary.deferred > 0 && !(await how.confirm(plan))) {
    throw new McpkError('interrupted', 'declined', { hint: 'Nothing was changed.' });
  }
  const first = await how.first?.();
  state.emit({ at: state.since(), type: 'phase', name: 'execute', state: 'start' });
  const stages = await execute(program, hands, state);
  await hands.close(stages, how.mended?.() ?? []);
  state.emit({ at: state.since(), type: 'phase', name: 'execute', state: 'end' });
  return finish(doing, stages, { ms: performance.now() - how.started, ...first });
}

function checkRefused({ program: { plan, forceUnsafe }, state }: Doing): void {
  const [first, ...rest] = plan.refused;
  if (!first) return;
  if (!forceUnsafe) throw refusedError([first, ...rest]);
  for (const each of plan.refused) state.emit({ at: state.since(), type: 'warning', message: forced(each) });
}
