import type { Hook } from '@oclif/core';
import { McpkError } from '../../core/errors.ts';
import { nearest } from '../../inventory/nearest.ts';
import { renderError } from '../../report/error-text.ts';
import { themeFor } from '../../report/theme.ts';

/** Ends as every wrong usage does. */
export const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const error = noCommand(id, config.commandIDs);
  process.stderr.write(renderError(error, themeFor(process.stderr, process.env)));
  throw Object.assign(error, { oclif: { exit: error.exitCode }, skipOclifErrorHandling: true });
};

/** For words that are no command: says which one is near. */
export function noCommand(id: string, known: readonly string[]): McpkError {
  const close = nearest(id, known);
  return new McpkError(
    'usage',
    `mcpk has no command ${JSON.stringify(words(id))}${close ? `; did you mean ${words(close)}?` : ''}`,
    {
      hint: 'mcpk --help lists the commands.',
    },
  );
}

function words(id: string): string {
  return id.replaceAll(':', ' ');
}
