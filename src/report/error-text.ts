import { FailureList, McpkError } from '../core/errors.ts';
import { causeOf, foldByCause, hostsWithin, LINE, MANY, type Fold, type Roster } from './fold.ts';
import { clean, cleanLines, paint, symbol, width, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

export interface ErrorOptions {
  stack?: boolean;
  /** All hosts, and what each of them said. */
  verbose?: boolean | undefined;
  /** Who the hosts are; several are said by name without it. */
  roster?: Roster | undefined;
}

/** What, where, why, what now. A fault that is not ours to explain shows its message, and its stack on request. */
export function renderError(error: unknown, theme: Theme, options: ErrorOptions = {}): string {
  if (error instanceof FailureList) return renderErrors(error.errors, theme, options);
  if (error instanceof McpkError) return renderErrors([error], theme, options);
  const known = error instanceof Error ? error : new Error(String(error));
  const lines = headline(`${known.message} (exit 1)`, theme);
  if (options.stack && known.stack) lines.push(...cleanLines(known.stack).slice(1));
  else lines.push(...field('next', 'this is a fault of mcpk; DEBUG=mcpk shows where it happened', theme));
  return `${lines.join('\n')}\n`;
}

/** Several failures; those with one cause are one, of all their hosts. */
export function renderErrors(errors: readonly McpkError[], theme: Theme, options: ErrorOptions = {}): string {
  const blocks = foldByCause(errors, options.roster).map((fold) =>
    fold.hosts.length > 1 ? ofSeveral(fold, theme, options) : ofOne(fold, theme, options),
  );
  const isList = blocks.every(({ length }) => length <= 3);
  return blocks.map((lines) => `${lines.join('\n')}\n`).join(isList ? '' : '\n');
}

function ofOne(fold: Fold<McpkError>, theme: Theme, { stack = false }: ErrorOptions): string[] {
  const [error] = fold.all;
  const [first = '', ...more] = cleanLines(fold.message(fold.hosts.join(', ')));
  return [
    ...headline(`${first} (exit ${error.exitCode})`, theme),
    ...[...more, ...error.details].flatMap((line) => wrap(theme, `  ${clean(line).trimEnd()}`, 4)),
    ...(fold.hint === undefined ? [] : field('hint', fold.hint, theme)),
    ...(stack ? stackOf(error) : []),
  ];
}

/** A line for the cause, one for what to do; what hosts said besides is that of one, or, of many, what all of them said. */
function ofSeveral(fold: Fold<McpkError>, theme: Theme, options: ErrorOptions): string[] {
  const { verbose = false, stack = false, roster } = options;
  const narrow: Theme = { ...theme, columns: Math.min(LINE, theme.columns ?? LINE) };
  const exit = ` (exit ${fold.all[0].exitCode})`;
  const around = width(`${symbol(theme, 'failed')} ${cleanLines(fold.message(''))[0] ?? ''}${exit}`);
  const room = verbose ? Infinity : LINE - around;
  const [first = '', ...more] = cleanLines(fold.message(hostsWithin(room, fold.hosts, roster)));
  return [
    ...headline(`${first}${exit}`, narrow),
    ...[...more, ...detailsOf(fold, options)].flatMap((line) => wrap(narrow, `  ${clean(line).trimEnd()}`, 4)),
    ...(fold.hint === undefined ? [] : field('hint', fold.hint, narrow)),
    ...(stack ? fold.all.flatMap(stackOf) : []),
  ];
}

/** More lines than this are not for all to read. */
const MOST_SHARED = 2;
/** Nor are more kinds of details. */
const MOST_KINDS = 3;

function detailsOf({ all, hosts }: Fold<McpkError>, { verbose = false, roster }: ErrorOptions): string[] {
  const linesOf = ({ host = '', details }: McpkError): string[] => details.map((line) => `${host}: ${line}`);
  const isShared = all.every(({ details }) => details.join('\n') === all[0].details.join('\n'));
  if (isShared && all[0].details.length <= MOST_SHARED) return [...all[0].details];
  if (verbose) return all.flatMap(linesOf);
  const kindOf = ({ host, details }: McpkError): string => causeOf({ host, message: details.join('\n') }, roster).key;
  const kinds = [...Map.groupBy(all, kindOf).values()].flatMap(([first]) => first ?? []);
  if (hosts.length < MANY) return kinds.flatMap(linesOf);
  // What all have alike says no more than the message, nor does what each has of its own; the end of a log says why.
  if (kinds.length === 1 || kinds.length > MOST_KINDS) return [];
  return kinds.flatMap((each) => linesOf(each).slice(-MOST_SHARED));
}

function stackOf(error: McpkError): string[] {
  const { stack, cause } = error;
  return [
    ...(stack ? cleanLines(stack).slice(1) : []),
    ...(cause instanceof Error ? [`  caused by ${cleanLines(cause.stack ?? cause.message).join('\n')}`] : []),
  ];
}

function headline(text: string, theme: Theme): string[] {
  // The figure stays with its word.
  const whole = clean(text).replace(/\(exit (\d+)\)$/, '(exit\u00a0$1)');
  const lines = wrap(theme, `${symbol(theme, 'failed')} ${whole}`, 2);
  return lines.map((line) => paint(theme, ['bold', 'red'], line.replaceAll('\u00a0', ' ')));
}

function field(name: string, text: string, theme: Theme): string[] {
  return wrap(theme, `  ${name}  ${clean(text)}`, 4 + name.length);
}
