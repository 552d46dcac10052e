import { failure, FailureList, McpkError } from './errors.ts';
import { Struck } from './struck.ts';

/** What all of these come to. What went wrong with some of them is told at once, but for a fault, which is told alone. */
export async function settled<T>(works: readonly Promise<T>[], signal: AbortSignal): Promise<T[]> {
  const ends = await Promise.allSettled(works);
  signal.throwIfAborted();
  throwAll(ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : [])));
  return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
}

/** Throws what went wrong in several places as one error, each cause once; returns when nothing did. */
export function throwAll(errors: readonly unknown[]): void {
  const [first, ...rest] = Struck.together(errors.flatMap(knownErrors));
  if (first) throw failure([first, ...rest]);
}

/** The errors of ours that this is, one or several. Throws it where it is a fault. */
export function knownErrors(error: unknown): readonly McpkError[] {
  if (error instanceof FailureList) return error.errors;
  if (error instanceof McpkError) return [error];
  throw error;
}
