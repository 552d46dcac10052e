import { FailureList, McpkError } from '../../core/errors.ts';

/** Throws what went wrong on several hosts as one error; returns when nothing did. */
export function throwAll(errors: readonly Error[]): void {
  const unknown = errors.find((error) => !(error instanceof McpkError));
  if (unknown) throw unknown;
  const [first, ...rest] = errors.filter((error) => error instanceof McpkError);
  if (first) throw rest.length === 0 ? first : new FailureList([first, ...rest]);
}
