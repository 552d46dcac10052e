import { lstat, readdir, readFile, realpath, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { McpkError } from '../../core/errors.ts';
import { makeFolders } from '../../core/make-folders.ts';
import { replaceFile } from '../../core/private-file.ts';
import type { RenderedFile } from './rendered-files.ts';

/** What mcpk wrote into the folder, as a JSON list of paths: a later run removes these, and nothing else. */
const MARK = '.mcpk-render';

/**
 * Writes files into a folder of their own. What an earlier run wrote there goes, what somebody laid beside it stays.
 * Throws `usage` for a folder that holds other things and that no earlier run wrote.
 */
export async function writeInto(folder: string, files: readonly RenderedFile[], signal: AbortSignal): Promise<void> {
  await write(folder, files, signal).catch((cause: unknown) => {
    if (cause instanceof McpkError) throw cause;
    throw new McpkError(
      'usage',
      `${folder} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        hint: 'Name an empty folder, or one that mcpk render wrote before.',
      },
    );
  });
}

/**
 * What an earlier run wrote into a folder that may be written into: before anything is fetched or asked for it.
 *
 * @throws McpkError `usage`
 */
export async function writtenEarlier(folder: string): Promise<string[]> {
  const root = resolve(folder);
  const there = await lstat(root).catch(() => undefined);
  if (there?.isSymbolicLink() === true)
    throw new McpkError('usage', `${folder} is a link: nothing is emptied or written where it leads`, {
      hint: 'Name the folder itself.',
    });
  if (there?.isDirectory() === false)
    throw new McpkError('usage', `${folder} is no folder`, {
      hint: 'Name a folder to write into, such as out; an inventory is named with -i.',
    });
  const present = await readdir(root).catch((): string[] => []);
  const earlier = present.length === 0 ? [] : await listed(root);
  if (earlier === undefined)
    throw new McpkError('usage', `${folder} holds other things`, {
      hint: 'Name an empty folder, or one that mcpk render wrote before.',
    });
  return earlier;
}

async function write(folder: string, files: readonly RenderedFile[], signal: AbortSignal): Promise<void> {
  const root = resolve(folder);
  const earlier = await writtenEarlier(folder);
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  for (const path of texts.keys())
    if (!isBelow(root, path)) throw new McpkError('invalid', `${path} leads out of ${folder}`);
  makeFolders(root);
  await checkFree(folder, [...texts.keys()], new Set(earlier));
  await clear(root, earlier);
  // Before the files: a run that is cut short leaves none that the next one does not know.
  await replaceFile(join(root, MARK), `${JSON.stringify([...texts.keys()], undefined, 1)}\n`);
  for (const [path, text] of texts) {
    signal.throwIfAborted();
    makeFolders(dirname(join(root, path)));
    await writeFile(join(root, path), text, { flag: 'wx' });
  }
}

function isBelow(root: string, path: string): boolean {
  return resolve(root, path).startsWith(root + sep);
}

/** What an earlier run wrote; undefined where none has said so. */
async function listed(root: string): Promise<string[] | undefined> {
  try {
    const paths: unknown = JSON.parse(await readFile(join(root, MARK), 'utf8'));
    if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string')) return undefined;
    return paths.filter((path) => isBelow(root, path));
  } catch {
    return undefined;
  }
}

/** Nothing that somebody else laid there is overwritten, and no link of theirs is followed. */
async function checkFree(folder: string, paths: readonly string[], own: ReadonlySet<string>): Promise<void> {
  const isNeeded = new Map([
    ...paths.filter((path) => !own.has(path)).map((path) => [path, false] as const),
    ...foldersOf(paths).map((path) => [path, true] as const),
  ]);
  for (const [path, asFolder] of isNeeded) {
    const there = await lstat(join(folder, path)).catch(() => undefined);
    if (there === undefined || (asFolder && (there.isDirectory() || own.has(path)))) continue;
    throw new McpkError('usage', `${join(folder, path)} is there, and mcpk render did not write it`, {
      hint: 'Move it away, or name another folder.',
    });
  }
}

/** Removes these files, and the folders that are empty without them. */
async function clear(root: string, paths: readonly string[]): Promise<void> {
  const real = await realpath(root);
  for (const path of paths) {
    const parent = await realpath(dirname(join(root, path))).catch(() => undefined);
    if (parent === dirname(join(real, path))) await unlinkFile(join(root, path));
  }
  for (const path of foldersOf(paths).toReversed()) await rmdir(join(root, path)).catch(() => undefined);
}

/** Not what became a folder since: that is somebody else's. */
async function unlinkFile(file: string): Promise<void> {
  const there = await lstat(file).catch(() => undefined);
  if (there !== undefined && !there.isDirectory()) await rm(file);
}

/** Every folder above these files, below the root; the outer ones first. */
function foldersOf(paths: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const path of paths)
    for (let above = dirname(path); above !== '.' && !folders.has(above); above = dirname(above)) folders.add(above);
  return [...folders].toSorted((a, b) => a.length - b.length);
}
