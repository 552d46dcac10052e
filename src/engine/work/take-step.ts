import { McpkError } from '../../core/errors.ts';
import { quote } from '../../core/quote.ts';
import type { Stage } from '../../states/stage.ts';
import type { PlannedStep } from '../types.ts';
import type { Doing } from './doing.ts';

/** An undo is not given up with the run. */
const UNDO_MS = 30_000;

/**
 * Takes a step on its host, and tells of it. One with an undo is noted there before it acts, so that a later run finds it
 * when this one is killed; but a stage with `owes` finds its own by what they leave behind.
 *
 * @throws McpkError `stage` when its command fails
 */
export async function takeStep({ hands, state }: Doing, from: Stage, step: PlannedStep): Promise<void> {
  const stage = from.name;
  if (step.undo && !from.owes) await hands.owe(stage, step);
  state.emit({ at: state.since(), type: 'step', stage, host: step.on, title: step.title, status: 'start' });
  const answer = await hands.step(step, state.signal);
  if (answer?.exitCode !== 0) {
    state.emit({ at: state.since(), type: 'step', stage, host: step.on, title: step.title, status: 'failed' });
    throw new McpkError('stage', `${stage}: step failed: ${step.title}`, {
      host: step.on,
      details: [(answer?.stderr ?? '').trim() || `exit code ${String(answer?.exitCode)}`],
    });
  }
  state.emit({ at: state.since(), type: 'step', stage, host: step.on, title: step.title, status: 'done' });
}

/** The last step first; gives back what could not be undone. */
export async function undo({ hands, state }: Doing, stage: string, done: readonly PlannedStep[]): Promise<McpkError[]> {
  const left: McpkError[] = [];
  const hosts = new Set(done.map((step) => step.on));
  for (const step of done.toReversed()) {
    const { on: host, title, undo: argv } = step;
    if (!argv) continue;
    const answer = await hands.step({ title, on: host, run: argv }, AbortSignal.timeout(UNDO_MS));
    const isUndone = answer?.exitCode === 0;
    state.emit({ at: state.since(), type: 'step', stage, host, title, status: isUndone ? 'undone' : 'not-undone' });
    if (isUndone) continue;
    hosts.delete(host);
    left.push(
      new McpkError('stage', `${stage}: could not be undone: ${title}`, {
        host,
        details: [(answer?.stderr ?? '').trim() || `exit code ${String(answer?.exitCode)}`],
        hint: `Do it by hand on ${host}: ${quote(argv)}`,
      }),
    );
  }
  hands.settle(stage, [...hosts]);
  return left;
}
