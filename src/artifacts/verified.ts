import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { McpkError } from '../core/errors.ts';
import type { SafeFolder } from './safe-folder.ts';

const FILE = 'verified.json';
const LIMIT = 16 * 2 ** 20;

interface Seen {
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
  sha256: string;
}

/** Remembers the sha256 of files that did not change since they were read: half a gigabyte need not be read at each run. */
export interface Verified {
  sha256(folder: SafeFolder, file: { name: string; stats: Stats }, signal: AbortSignal): Promise<string>;
  /** Writes down what was learned. A folder that can't be written only costs the next run its speed. */
  save(): Promise<void>;
}

/** Kept in the artifacts' root as JSON, path → what was seen; one that is no JSON counts as empty. */
export async function openVerified(root: SafeFolder): Promise<Verified> {
  const seen = await readSeen(root);
  let learned = false;
  return {
    async sha256(folder, { name, stats: { size, mtimeMs, ctimeMs, ino } }, signal) {
      const path = join(folder.path, name);
      const known = seen.get(path);
      if (known?.size === size && known.mtimeMs === mtimeMs && known.ctimeMs === ctimeMs && known.ino === ino)
        return known.sha256;
      const sha256 = await folder.hash(name, signal);
      seen.set(path, { size, mtimeMs, ctimeMs, ino, sha256 });
      learned = true;
      return sha256;
    },
    async save() {
      if (!learned) return;
      await root.replace(FILE, `${JSON.stringify(Object.fromEntries(seen), undefined, 1)}\n`).catch(ignoreUnwritable);
    },
  };
}

function ignoreUnwritable(error: unknown): void {
  if (error instanceof McpkError) throw error;
}

async function readSeen(root: SafeFolder): Promise<Map<string, Seen>> {
  const text = await root.read(FILE, LIMIT);
  try {
    return new Map(Object.entries(JSON.parse(text ?? '{}') as Record<string, Seen>));
  } catch {
    return new Map();
  }
}
