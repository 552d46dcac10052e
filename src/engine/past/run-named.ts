import { McpkError } from '../../core/errors.ts';

/**
 * The run that a user means: its whole name, or its last characters. Undefined where there is none.
 *
 * @throws McpkError `refused` where several end so
 */
export function runNamed(wanted: string, runs: readonly string[]): string | undefined {
  const found = [...new Set(runs)].filter((run) => wanted !== '' && run.endsWith(wanted));
  if (found.length <= 1 || found.includes(wanted)) return found.find((run) => run === wanted) ?? found[0];
  throw new McpkError('refused', `several runs end with ${JSON.stringify(wanted)}`, {
    hint: `Say which: ${found.toSorted().join(', ')}.`,
  });
}
