import type { StepAround } from './stage.ts';

/** What a step is that has units stop; their start is its undo. */
export function stopping(...units: readonly string[]): Required<Pick<StepAround, 'run' | 'undo'>> {
  return { run: ['systemctl', 'stop', ...units], undo: starting(...units).run };
}

/** What a step is that has units start. */
export function starting(...units: readonly string[]): Pick<StepAround, 'run'> {
  return { run: ['systemctl', 'start', ...units] };
}
