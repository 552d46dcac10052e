import { createHash, randomBytes, type Hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { mkdtemp, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { McpkError } from '../core/errors.ts';
import { makeFolders } from '../core/make-folders.ts';
import { lstatOf, refusal, walk } from './links.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/**
 * A folder whose path, or what lies in it, a repository may have chosen. Everything that src/artifacts reads or writes
 * goes through one: no folder below `base` and no file is a link, and what is written to is new or our own.
 * Throws McpkError `invalid`, naming the path, for what is not so.
 */
export class SafeFolder {
  readonly path: string;
  readonly #base: string;

  /** Links on the way to `base` are the operator's own; below it there may be none. */
  constructor(path: string, base: string = path) {
    this.path = path;
    this.#base = base;
  }

  below(...names: readonly string[]): SafeFolder {
    return new SafeFolder(join(this.path, ...names.map(checked)), this.#base);
  }

  async make(): Promise<void> {
    const isThere = await walk(this.#base, this.path);
    if (!isThere || this.path === this.#base) makeFolders(this.path);
  }

  /** Those of `names` that are regular files. */
  async files(names: readonly string[]): Promise<Map<string, Stats>> {
    if (!(await walk(this.#base, this.path))) return new Map();
    const found = await Promise.all(names.map(async (name) => [name, await this.#statsOf(name)] as const));
    return new Map(found.flatMap(([name, stats]) => (stats?.isFile() ? [[name, stats]] : [])));
  }

  /** A file's text, of at most `limit` bytes; undefined when there is nothing. */
  async read(name: string, limit: number): Promise<string | undefined> {
    if (!(await walk(this.#base, this.path))) return undefined;
    const stats = await this.#statsOf(name);
    if (stats === undefined) return undefined;
    const path = this.#at(name);
    if (!stats.isFile()) throw refusal(path, 'is no regular file');
    if (stats.size > limit) throw refusal(path, `is larger than ${limit / 2 ** 20} MiB`);
    const file = await open(path, O_RDONLY | O_NOFOLLOW);
    return file.readFile('utf8').finally(() => file.close());
  }

  async hash(name: string, signal: AbortSignal): Promise<string> {
    const file = await open(this.#at(name), O_RDONLY | O_NOFOLLOW);
    return hashOf(file, signal).finally(() => file.close());
  }

  /** Gives a file's bytes to `take`, each piece only until it returns; resolves with their sha256. */
  async copy(name: string, take: (piece: Buffer, at: number) => Promise<void>, signal: AbortSignal): Promise<string> {
    const file = await open(this.#at(name), O_RDONLY | O_NOFOLLOW);
    const hash = createHash('sha256');
    const each = async (piece: Buffer, at: number): Promise<void> => {
      hash.update(piece);
      await take(piece, at);
    };
    await eachPiece(file, each, signal).finally(() => file.close());
    return hash.digest('hex');
  }

  /** A reader sees the old text or the new one. */
  async replace(name: string, text: string): Promise<void> {
    await this.make();
    await this.#statsOf(name);
    const beside = `.${name}.${randomBytes(8).toString('hex')}.new`;
    try {
      await this.#create(beside, text);
      await this.rename(beside, name);
    } catch (error) {
      await this.remove(beside);
      throw error;
    }
  }

  /** Whether a file could be made here: by making one, as rights alone do not tell. */
  async probe(): Promise<void> {
    const name = `.${randomBytes(8).toString('hex')}.new`;
    await this.make();
    await this.#create(name, '');
    await this.remove(name);
  }

  /** A file to write to and to read again: a new one, or what an earlier run of this user left of it. */
  async openPart(name: string): Promise<FileHandle> {
    await this.make();
    try {
      return await open(this.#at(name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return this.openOwn(name);
    }
  }

  /** What is there already, when it is a regular file of this user that has no second name elsewhere. */
  async openOwn(name: string): Promise<FileHandle> {
    const path = this.#at(name);
    // A pipe or a device is not even opened.
    if (!(await this.files([name])).has(name)) throw refusal(path, 'is no regular file');
    const file = await open(path, O_RDWR | O_NOFOLLOW);
    const { nlink, uid } = await file.stat();
    const why = nlink !== 1 ? 'has a second name (a hard link)' : uid !== process.geteuid?.() && 'is another user’s';
    if (!why) return file;
    await file.close();
    throw refusal(path, why);
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(this.#at(from), this.#at(to));
  }

  /** Moves a file out of another folder here. */
  async take(from: SafeFolder, name: string): Promise<void> {
    await rename(from.#at(name), this.#at(name));
  }

  async remove(name: string): Promise<void> {
    await rm(this.#at(name), { force: true });
  }

  /** Runs `work` with a new folder in this one, which is gone afterwards. */
  async scratch<T>(work: (folder: SafeFolder) => Promise<T>): Promise<T> {
    const path = await mkdtemp(join(this.path, '.unpack-'));
    return work(new SafeFolder(path, this.#base)).finally(() => rm(path, { recursive: true, force: true }));
  }

  #at(name: string): string {
    return join(this.path, checked(name));
  }

  async #create(name: string, text: string): Promise<void> {
    const file = await open(this.#at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
    await file.writeFile(text).finally(() => file.close());
  }

  async #statsOf(name: string): Promise<Stats | undefined> {
    const stats = await lstatOf(this.#at(name));
    if (stats?.isSymbolicLink()) throw refusal(this.#at(name), 'is a link');
    return stats;
  }
}

/** sha256 of a whole file, from its start wherever it was left. */
export async function hashOf(file: FileHandle, signal: AbortSignal): Promise<string> {
  return (await hashing(file, signal)).digest('hex');
}

/** That of what is in a file so far, for more to come. */
export async function hashing(file: FileHandle, signal: AbortSignal): Promise<Hash> {
  const hash = createHash('sha256');
  await eachPiece(file, (piece) => void hash.update(piece), signal);
  return hash;
}

const PIECE_BYTES = 1 << 20;

/** All of a file from its start, in one buffer that is filled again and again. */
async function eachPiece(
  file: FileHandle,
  each: (piece: Buffer, at: number) => Promise<void> | void,
  signal: AbortSignal,
): Promise<void> {
  const { size } = await file.stat();
  // For a small file no MiB, which the collector would have to find again.
  const buffer = Buffer.allocUnsafe(Math.min(Math.max(size, 1), PIECE_BYTES));
  for (let at = 0; ;) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    await each(buffer.subarray(0, bytesRead), at);
    at += bytesRead;
  }
}

/** A handle may take less than it is given. */
export async function writeAll(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length;)
    done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
}

/** Versions come from the inventory, processors from the hosts, names from a mirror: none may lead out of the folder. */
function checked(name: string): string {
  if (name !== '.' && name !== '..' && /^[^/\0]+$/.test(name)) return name;
  throw new McpkError('invalid', `${JSON.stringify(name)} can't be part of a binary's path`);
}
