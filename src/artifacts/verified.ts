import type { Stats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hashFile, replaceFile } from './checksums.ts';

interface Seen {
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
  sha256: string;
}

/** Remembers the sha256 of files that did not change since they were read: half a gigabyte need not be read at each run. */
export interface Verified {
  sha256(path: string, stats: Stats, signal: AbortSignal): Promise<string>;
  /** Writes down what was learned. A folder that can't be written only costs the next run its speed. */
  save(): Promise<void>;
}

/** `file` holds JSON, path → what was seen; one that can't be read counts as empty. */
export async function openVerified(file: string): Promise<Verified> {
  const seen = await readSeen(file);
  let learned = false;
  return {
    async sha256(path, { size, mtimeMs, ctimeMs, ino }, signal) {
      const known = seen.get(path);
      if (known?.size === size && known.mtimeMs === mtimeMs && known.ctimeMs === ctimeMs && known.ino === ino)
        return known.sha256;
      const sha256 = await hashFile(path, signal);
      seen.set(path, { size, mtimeMs, ctimeMs, ino, sha256 });
      learned = true;
      return sha256;
    },
    async save() {
      if (!learned) return;
      await replaceFile(file, `${JSON.stringify(Object.fromEntries(seen), undefined, 1)}\n`).catch(() => undefined);
    },
  };
}

async function readSeen(file: string): Promise<Map<string, Seen>> {
  try {
    return new Map(Object.entries(JSON.parse(await readFile(file, 'utf8')) as Record<string, Seen>));
  } catch {
    return new Map();
  }
}
