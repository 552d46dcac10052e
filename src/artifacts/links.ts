import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { McpkError } from '../core/errors.ts';

/** Of the thing itself, never of what a link leads to; undefined when there is nothing. */
export async function lstatOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

/** Looks at each folder below `base` on the way to `path`: false when one is not there. Throws `invalid` for a link. */
export async function walk(base: string, path: string): Promise<boolean> {
  let at = base;
  for (const name of relative(base, path).split(sep).filter(Boolean)) {
    at = join(at, name);
    const stats = await lstatOf(at);
    if (stats === undefined) return false;
    if (stats.isSymbolicLink()) throw refusal(at, 'is a link');
    if (!stats.isDirectory()) throw refusal(at, 'is no folder');
  }
  return true;
}

/** Whoever wrote the repository may have put it there, to have a file elsewhere read or written. */
export function refusal(path: string, why: string): McpkError {
  return new McpkError('invalid', `${path} ${why}: nothing is read or written there`, {
    hint: 'See where it comes from, then delete it; a folder that lies elsewhere is named in artifacts.directory by its own path.',
  });
}
