import { resolve } from 'node:path';
import { McpkError } from '../../core/errors.ts';

/** Flags that each name a file to write, and the last one of which would be left. */
const FILES = ['out', 'markdown', 'junit', 'timeline'] as const;

/** Throws `usage` where two of them name one file. */
export function checkApart(flags: Readonly<Record<string, unknown>>): void {
  const by = new Map<string, string>();
  for (const flag of FILES) {
    const file = flags[flag];
    if (typeof file !== 'string') continue;
    const other = by.get(resolve(file));
    if (other !== undefined)
      throw new McpkError('usage', `--${other} and --${flag} name the same file: ${file}`, {
        hint: 'Give each a file of its own.',
      });
    by.set(resolve(file), flag);
  }
}
