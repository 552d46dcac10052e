import { FailureList, McpkError } from '../../core/errors.ts';
import type { Mistake } from '../../inventory/mistake.ts';
import { toJson } from '../../report/json.ts';

/** What is printed with `--json` in the place of a result: never argv, never a stack. */
export interface FailureJson {
  /** The one that the exit code is of. */
  error: ErrorJson;
  errors: ErrorJson[];
}

export type ErrorJson = ReturnType<McpkError['toJSON']> & {
  /** Of an inventory, each with its place. */
  mistakes?: readonly Mistake[];
};

export function failureJson(error: unknown): FailureJson {
  const list = error instanceof FailureList ? error.errors : [error];
  const deciding = error instanceof FailureList ? error.deciding : error;
  return { error: errorJson(deciding), errors: list.map(errorJson) };
}

function errorJson(error: unknown): ErrorJson {
  if (error instanceof McpkError) return toJson(error) as ErrorJson;
  return { code: 'unexpected', exitCode: 1, message: error instanceof Error ? error.message : String(error) };
}
