import { McpkError } from '../../core/errors.ts';
import { quote } from '../../core/quote.ts';
import type { Stage } from '../../states/stage.ts';
import type { PlannedStep } from '../types.ts';
import type { Doing } from './doing.ts';

/** An undo is not given up with the run. */
const UNDO_MS = 30_000;

export interface FailedStep {
  step: PlannedStep;
  /** `stage`, where its command failed; else why its host answers no more, or did not come back from a boot. */
  error: McpkError;
}

/** Its undo is noted on its host before it acts: what it leaves behind would not be found there. */
export function isNoted({ undo: argv, marked }: PlannedStep): boolean {
  return argv !== undefined && !marked;
}

/**
 * Takes steps on their hosts, side by side, and tells of them; gives back those that failed. One with an undo is noted on
 * its host before it acts, so that a later run finds it when this one is killed, unless it is found by what it leaves
 * behind.
 *
 * @throws the signal's reason, where one fails as the run is interrupted
 */
export async function takeSteps(
  { hands, state }: Doing,
  { name: stage }: Stage,
  steps: readonly PlannedStep[],
): Promise<FailedStep[]> {
  const tell = (status: 'start' | 'done' | 'failed', { on: host, title }: PlannedStep): void =>
    state.emit({ at: state.since(), type: 'step', stage, host, title, status });
  for (const step of steps) if (isNoted(step)) await hands.owe(stage, step);
  for (const step of steps) tell('start', step);
  const answers = await hands.steps(steps, state.signal);
  const failed = steps.flatMap((step, index) => {
    const answer = answers[index];
    if (answer?.exitCode === 0) {
      tell('done', step);
      return [];
    }
    tell('failed', step);
    if (answer?.lost) return [{ step, error: answer.lost }];
    const details = [(answer?.stderr ?? '').trim() || `exit code ${String(answer?.exitCode)}`];
    return [
      { step, error: new McpkError('stage', `${stage}: step failed: ${step.title}`, { host: step.on, details }) },
    ];
  });
  // What a user ends is no step that fails.
  if (failed.length > 0) state.signal.throwIfAborted();
  return failed;
}

/** The last step first; gives back what could not be undone. */
export async function undo({ hands, state }: Doing, stage: string, done: readonly PlannedStep[]): Promise<McpkError[]> {
  const left: McpkError[] = [];
  const hosts = new Set(done.filter(isNoted).map((step) => step.on));
  for (const step of done.toReversed()) {
    const { on: host, title, undo: argv } = step;
    if (!argv) continue;
    const [answer] = await hands.steps([{ title, on: host, run: argv }], AbortSignal.timeout(UNDO_MS));
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
