import { FailureList, McpkError } from '../core/errors.ts';
import { clean, cleanLines, paint, symbol, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

/** What, where, why, what now. A fault that is not ours to explain shows its message, and its stack on request. */
export function renderError(error: unknown, theme: Theme, options: { stack?: boolean } = {}): string {
  if (error instanceof FailureList) return renderErrors(error.errors, theme, options);
  if (error instanceof McpkError) return renderKnown(error, [error.host], theme, options);
  const known = error instanceof Error ? error : new Error(String(error));
  const lines = headline(`${known.message} (exit 1)`, theme);
  if (options.stack && known.stack) lines.push(...cleanLines(known.stack).slice(1));
  else lines.push(...field('next', 'this is a fault of mcpk; DEBUG=mcpk shows where it happened', theme));
  return `${lines.join('\n')}\n`;
}

/** Several failures; the same one on several hosts is shown once. */
export function renderErrors(errors: readonly McpkError[], theme: Theme, options: { stack?: boolean } = {}): string {
  const groups = Map.groupBy(errors, (error) => JSON.stringify([error.code, error.message, error.hint, error.details]));
  return [...groups.values()]
    .map((group) =>
      renderKnown(
        group[0] as McpkError,
        group.map(({ host }) => host),
        theme,
        options,
      ),
    )
    .join('\n');
}

function renderKnown(
  error: McpkError,
  hosts: readonly (string | undefined)[],
  theme: Theme,
  options: { stack?: boolean },
): string {
  const names = [...new Set(hosts)].filter((host) => host !== undefined && !namesHost(error.message, host));
  const [first = '', ...more] = cleanLines(error.message);
  const lines = headline(`${names.length > 0 ? `${names.join(', ')}: ` : ''}${first} (exit ${error.exitCode})`, theme);
  for (const line of [...more, ...error.details]) lines.push(...wrap(theme, `  ${clean(line).trimEnd()}`, 4));
  if (error.hint !== undefined) lines.push(...field('hint', error.hint, theme));
  if (options.stack && error.stack) lines.push(...cleanLines(error.stack).slice(1));
  if (options.stack && error.cause instanceof Error)
    lines.push(`  caused by ${cleanLines(error.cause.stack ?? error.cause.message).join('\n')}`);
  return `${lines.join('\n')}\n`;
}

function namesHost(message: string, host: string): boolean {
  return message.split(/[^\w.-]+/).includes(host);
}

function headline(text: string, theme: Theme): string[] {
  const lines = wrap(theme, `${symbol(theme, 'failed')} ${clean(text)}`, 2);
  return lines.map((line) => paint(theme, ['bold', 'red'], line));
}

function field(name: string, text: string, theme: Theme): string[] {
  return wrap(theme, `  ${name}  ${clean(text)}`, 4 + name.length);
}
