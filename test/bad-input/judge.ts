import { expect } from 'vitest';
import { FailureList, McpkError } from '../../src/core/errors.ts';

/** The typed error that `work` fails with, which tells what to do now. Anything else fails the test. */
export async function errorOf(work: () => unknown): Promise<McpkError> {
  const outcome = await Promise.resolve()
    .then(work)
    .then(
      () => new Error('it was taken for good'),
      (error: unknown) => error,
    );
  const error = outcome instanceof FailureList ? outcome.errors[0] : outcome;
  if (!(error instanceof McpkError)) throw error;
  expect(error.exitCode, 'not a fault of ours').not.toBe(1);
  expect([error.message, ...error.details].join('\n'), 'no stack').not.toMatch(/^\s+at /m);
  return error;
}
