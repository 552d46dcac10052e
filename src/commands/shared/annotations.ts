import { relative, resolve } from 'node:path';
import { FailureList, McpkError } from '../../core/errors.ts';
import { InventoryError, type Mistake } from '../../inventory/mistake.ts';
import type { Annotation } from '../../report/ci-log.ts';
import { foldByCause, type Roster } from '../../report/fold.ts';
import { clean } from '../../report/theme.ts';

/** Errors as they are told beside files: mistakes of an inventory at their places. `root`: folder of the repository. */
export function annotationsOf(errors: readonly Error[], root: string, roster: Roster | undefined): Annotation[] {
  const all = errors.flatMap((error) => (error instanceof FailureList ? [...error.errors] : [error]));
  const mistaken = all.filter((error) => error instanceof InventoryError);
  const known = all.filter((error) => error instanceof McpkError && !(error instanceof InventoryError));
  const unknown = all.filter((error) => !(error instanceof McpkError));
  return [
    ...mistaken.flatMap(({ mistakes, exitCode, message }) =>
      mistakes.length === 0
        ? [{ title: titleOf(exitCode), message: clean(message) }]
        : mistakes.map((mistake) => ofMistake(mistake, titleOf(exitCode), root)),
    ),
    ...foldByCause(known as McpkError[], roster).map(({ all: [{ exitCode }], hosts, message, hint }) => ({
      title: titleOf(exitCode),
      message: [message(hosts.join(', ')), hint ?? ''].filter(Boolean).map(clean).join('\n'),
    })),
    ...unknown.map(({ message }) => ({ title: titleOf(1), message: clean(message) })),
  ];
}

function titleOf(exitCode: number): string {
  return `mcpk (exit ${exitCode})`;
}

function ofMistake(
  { file, line, column, path, message, suggestion }: Mistake,
  title: string,
  root: string,
): Annotation {
  const place = relative(root, resolve(file));
  const said = suggestion === undefined ? message : `${message}; did you mean ${suggestion}?`;
  return {
    ...(place.startsWith('..') ? {} : { place: { file: place, ...(line > 0 ? { line, column } : {}) } }),
    title,
    message: clean([path, said].filter(Boolean).join(': ')),
  };
}
