import type { Hook } from '@oclif/core';
import { McpkError } from '../../core/errors.ts';
import { nearest } from '../../inventory/nearest.ts';
import { renderError } from '../../report/error-text.ts';
import { themeFor } from '../../report/theme.ts';

/** A word that is no command: says which one is near, and ends as every wrong usage does. */
export const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const close = nearest(id, config.commandIDs);
  const words = (text: string): string => text.replaceAll(':', ' ');
  const error = new McpkError(
    'usage',
    `mcpk has no command ${JSON.stringify(words(id))}${close ? `; did you mean ${words(close)}?` : ''}`,
    {
      hint: 'mcpk --help lists the commands.',
    },
  );
  process.stderr.write(renderError(error, themeFor(process.stderr, process.env)));
  throw Object.assign(error, { oclif: { exit: error.exitCode }, skipOclifErrorHandling: true });
};
