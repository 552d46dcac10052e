import { accessSync, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';

const LARGEST_PIECE = 1 << 20;
const SMALLEST_PIECE = 4096;
export const NO_SUCH_FILE = 'there is no such file';
const IS_DIRECTORY = 'is a directory, not a file';

/** A file that a user named can't be used; the message says why, in words. */
export class UnreadableFile extends Error {
  readonly code: string;

  constructor(why: string, code: string, cause?: unknown) {
    super(why, { cause });
    this.code = code;
  }
}

/** Why a file that a user named can't be read, in words, without reading it; undefined where it can. */
export function whyUnreadable(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isDirectory() ? IS_DIRECTORY : undefined;
  } catch (error) {
    return unreadable(error).message;
  }
}

/**
 * The bytes of a file that a user named; at most `limit`, as a wrong name may lead to anything. A pipe is read
 * (`-i <(sops -d …)`), a device is not: it has no end. Throws {@link UnreadableFile}.
 */
export function readFileAtMost(path: string, limit: number): Buffer {
  return read(path, { limit, pipes: true });
}

/**
 * The same for a file that somebody else may have named: no pipe either, as one keeps this process waiting, deaf to
 * signals, until its other end is closed.
 */
export function readRegularFile(path: string, limit: number): Buffer {
  return read(path, { limit, pipes: false });
}

function read(path: string, { limit, pipes }: { limit: number; pipes: boolean }): Buffer {
  let descriptor: number | undefined;
  try {
    // To open a pipe that nobody writes to would wait as well.
    descriptor = openSync(path, constants.O_RDONLY | (pipes ? 0 : constants.O_NONBLOCK));
    const about = fstatSync(descriptor);
    if (about.isDirectory()) throw new UnreadableFile(IS_DIRECTORY, 'EISDIR');
    if (!about.isFile() && !(pipes && about.isFIFO())) throw new UnreadableFile('is no file', 'ENOTFILE');
    const chunks: Buffer[] = [];
    // One byte more than there is, to see the end. Files of the kernel and pipes say that they are empty.
    const piece = Math.min(Math.max(about.size + 1, SMALLEST_PIECE), LARGEST_PIECE);
    for (let size = 0; ;) {
      const chunk = Buffer.allocUnsafe(piece);
      const count = readSync(descriptor, chunk);
      size += count;
      if (size > limit) throw new UnreadableFile(`is larger than ${limit / 2 ** 20} MiB`, 'EFBIG');
      if (count === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, count));
    }
  } catch (error) {
    throw error instanceof UnreadableFile ? error : unreadable(error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** What a file that could not be opened or read is told with: `there is no such file`. */
export function unreadable(cause: unknown): UnreadableFile {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  if (code === 'ENOENT') return new UnreadableFile(NO_SUCH_FILE, code, cause);
  if (code === 'EACCES') return new UnreadableFile('may not be read', code, cause);
  return new UnreadableFile(`could not be read (${code})`, code, cause);
}
