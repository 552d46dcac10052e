import { readFile, realpath, stat } from 'node:fs/promises';
import { McpkError } from '../../core/errors.ts';
import { checkPlace, replaceFile, unwritable } from '../../core/private-file.ts';
import type { EditedFile } from '../../inventory/edit-state.ts';

/** Before anybody is asked. Throws `usage` for what can't be written, such as a pipe. */
export async function checkEditable(named: string): Promise<void> {
  await checkPlace(await placeOf(named));
}

/**
 * Writes what was edited in an inventory. A link stays one: what it leads to is written. Throws `stale` where the file is
 * not as it was read, `usage` where it can't be written.
 */
export async function writeEdit({ path: named, before, after }: EditedFile & { path: string }): Promise<void> {
  const path = await placeOf(named);
  const [text, { mode }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
  if (text === after) return;
  if (text !== before)
    throw new McpkError('stale', `${path} was changed meanwhile`, {
      hint: 'Nothing was changed. Run the same command again.',
    });
  await replaceFile(path, after, mode & 0o777);
}

function placeOf(named: string): Promise<string> {
  return realpath(named).catch((cause: unknown) => {
    throw unwritable(named, cause);
  });
}
