import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { McpkError } from './errors.ts';

/** Before hosts are asked for what could then not be kept. Throws `usage`. */
export async function checkPlace(file: string): Promise<void> {
  if (file === '')
    throw new McpkError('usage', 'a file to write is named by an empty word', {
      hint: 'Is a variable not set, from which its name was to come?',
    });
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
  await fillFile(file, (handle) => handle.writeFile(text), mode);
}

/**
 * The same for what comes piece by piece: `fill` writes into a file beside it, which gets the name when it is done.
 * Throws `usage`, and what `fill` throws of its own.
 */
export async function fillFile<T>(file: string, fill: (handle: FileHandle) => Promise<T>, mode = 0o600): Promise<T> {
  const beside = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}`);
  try {
    await checkReplaced(file);
    const handle = await open(beside, 'wx', mode);
    let filled: T;
    try {
      filled = await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
    return filled;
  } catch (cause) {
    await rm(beside, { force: true });
    throw isOfSystem(cause) ? unwritable(file, cause) : cause;
  }
}

function isOfSystem(cause: unknown): boolean {
  return cause instanceof Error && !(cause instanceof McpkError) && 'code' in cause;
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
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new McpkError('usage', `${file} cannot be written: no space is left there`, {
      cause,
      hint: `Nothing of it was kept. Make room (df ${dirname(file)}), or name a file on another disk.`,
    });
  return new McpkError('usage', `${file} cannot be written (${inWords(code, dirname(file))})`, {
    cause,
    hint: 'Name a file in a folder that is there and may be written.',
  });
}

function inWords(code: string, folder: string): string {
  const words: Readonly<Partial<Record<string, string>>> = {
    ENOENT: `there is no folder ${folder}`,
    ENOTDIR: `${folder} is no folder`,
    EISDIR: 'it is a folder',
    EACCES: 'permission denied',
    EROFS: 'the file system is read-only',
  };
  return words[code] ?? code;
}
