/**
 * Layers of disks: folders that nobody writes to any more. The running lab's hosts and saved ones share them by lists of
 * their names, oldest first. No hard links: hosts would see that their files have other names.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from './machine.ts';
import { LAYERS } from './paths.ts';

async function namesIn(list: string): Promise<string[]> {
  const text = await readFile(list, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').filter((name) => name !== '');
}

/** The folders of the layers that a list names; none when there is no list. */
export async function layersIn(list: string, layers: string = LAYERS): Promise<string[]> {
  const folders = (await namesIn(list)).map((name) => join(layers, name));
  // A freeze that was cut off has listed its layer, and the folder is still where it was.
  const there = await Promise.all(folders.map(exists));
  return folders.filter((_, index) => there[index]);
}

/** Makes a folder, which is gone then, the newest layer of a list. */
export async function freeze(folder: string, list: string, layers: string = LAYERS): Promise<void> {
  const name = randomBytes(6).toString('hex');
  await mkdir(layers, { recursive: true, mode: 0o700 });
  await writeFile(`${list}.new`, [...(await namesIn(list)), name, ''].join('\n'));
  await rename(`${list}.new`, list);
  await rename(folder, join(layers, name));
}

/** Removes the layers that none of these lists names. */
export async function sweep(lists: readonly string[], layers: string = LAYERS): Promise<void> {
  const used = new Set((await Promise.all(lists.map(namesIn))).flat());
  for (const name of await readdir(layers).catch(() => []))
    if (!used.has(name)) await rm(join(layers, name), { recursive: true, force: true });
}
