import type { Hook } from '@oclif/core';
import { McpkError } from '../../core/errors.ts';
import { quote } from '../../core/quote.ts';
import { nearest } from '../../inventory/nearest.ts';
import { renderError } from '../../report/error-text.ts';
import { themeFor } from '../../report/theme.ts';

/** Ends as every wrong usage does. */
export const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const error = wordTooMany(id, config.commandIDs) ?? noCommand(id, config.commandIDs);
  process.stderr.write(renderError(error, themeFor(process.stderr, process.env)));
  throw Object.assign(error, { oclif: { exit: error.exitCode }, skipOclifErrorHandling: true });
};

/** Of `plan lab.yaml` oclif says `plan:lab.yaml`, as plan takes no words. */
function wordTooMany(id: string, known: readonly string[]): McpkError | undefined {
  const command = known.find((each) => id.startsWith(`${each}:`));
  if (command === undefined) return undefined;
  const [name, word] = [words(command), id.slice(command.length + 1)];
  const inventory = /\.(ya?ml|json)$/i.test(word) ? quote(['mcpk', ...name.split(' '), '-i', word]) : undefined;
  return new McpkError('usage', `mcpk ${name} takes no word ${JSON.stringify(word)}`, {
    hint:
      inventory === undefined
        ? `mcpk ${name} --help shows what it takes.`
        : `An inventory is named with -i: ${inventory}`,
  });
}

/** For words that are no command: says which one is near. */
export function noCommand(id: string, known: readonly string[]): McpkError {
  const close = /^-v$/i.test(id) ? '--version' : nearest(id, [...known, '--version', '--help']);
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
