import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { McpkError } from './errors.ts';

/** Before hosts are asked for what could then not be kept. Throws `usage`. */
export async function checkPlace(file: string): Promise<void> {
  try {
    await access(dirname(file), constants.W_OK);
    await checkReplaced(file);
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

/** {@link replaceFile} for its owner alone (0600, whatever the umask). */
export function writePrivate(file: string, text: string): Promise<void> {
  return replaceFile(file, text, 0o600);
}

/**
 * Writes a file: all of it or nothing, on the disk when this returns. A file that is there is replaced, never written
 * into, so that a link leads nowhere and no other name gets the text. Throws `usage`.
 */
export async function replaceFile(file: string, text: string, mode = 0o666): Promise<void> {
  const beside = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}`);
  try {
    await checkReplaced(file);
    const handle = await open(beside, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (cause) {
    await rm(beside, { force: true });
    throw unwritable(file, cause);
  }
}

/** A link or a device in the place of what would be replaced is there for a reason that we do not know. */
async function checkReplaced(file: string): Promise<void> {
  const there = await lstat(file).catch(() => undefined);
  if (there === undefined || there.isFile()) return;
  const code = there.isDirectory() ? 'EISDIR' : there.isSymbolicLink() ? 'a link is there' : 'what is there is no file';
  throw Object.assign(new Error(code), { code });
}

/** What to say of a file that an operator named and that cannot be written. */
export function unwritable(file: string, cause: unknown): McpkError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  return new McpkError('usage', `${file} cannot be written (${code})`, {
    cause,
    hint: 'Name a file in a folder that is there and may be written.',
  });
}
