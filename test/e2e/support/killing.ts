import fc from 'fast-check';
import type { StagePlan } from '../../../src/engine/types.ts';
import { Running } from './running.ts';

/** The session of a run that was killed lets go of the lock by itself, a moment later. */
export const LOCK_FREE = ['--wait-lock', '30s'];

const APPLY: readonly string[] = ['apply', '--yes', ...LOCK_FREE];

/** Moments, ms after the start, that a seed gives; the seed is printed, so that a failure can be seen again. */
export function moments(count: number, longest: number): number[] {
  const seed = Number(process.env['MCPK_SEED'] ?? Date.now() % 2 ** 31);
  process.stdout.write(`MCPK_SEED=${String(seed)}\n`);
  return fc.sample(fc.integer({ min: 300, max: longest }), { numRuns: count, seed });
}

export async function killedAfter(ms: number, files: readonly string[], args = APPLY): Promise<void> {
  const run = new Running(args, files);
  const timer = setTimeout(() => run.kill('SIGKILL'), ms);
  await run.end();
  clearTimeout(timer);
}

/** What a run with --verbose says where a step, a gate or a stage ends. */
export function boundariesOf({ name, steps, gates }: StagePlan): string[] {
  return [
    ...steps.map((step) => `  ${name} ${step.on}: ${step.title}, done`),
    ...gates.map((title) => `  ${name}: ${title}, `),
    `✔ ${name} `,
  ];
}
