import { McpkError } from '../../src/core/errors.ts';

/** The McpkError with which something fails. */
export async function failure(work: Promise<unknown>): Promise<McpkError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof McpkError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
