import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { McpkError } from '../core/errors.ts';
import type { SafeFolder } from './safe-folder.ts';

/** A name that is nobody else's: an inventory may name any folder of the operator's. */
const FILE = '.mcpk-verified.json';
const LIMIT = 16 * 2 ** 20;

interface Seen {
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
  sha256: string;
}

interface NamedStats {
  name: string;
  stats: Stats;
}

/** Remembers the sha256 of files that did not change since they were read: half a gigabyte need not be read at each run. */
export interface Verified {
  sha256(folder: SafeFolder, file: NamedStats, signal: AbortSignal): Promise<string>;
  /** What was read of it while it was written. */
  learn(folder: SafeFolder, file: NamedStats, sha256: string): void;
  /** Writes down what was learned. A folder that can't be written only costs the next run its speed. */
  save(): Promise<void>;
}

/** Kept in the artifacts' root as JSON, path → what was seen; one that is no JSON counts as empty. */
export async function openVerified(root: SafeFolder): Promise<Verified> {
  const seen = await readSeen(root);
  let learned = false;
  const learn: Verified['learn'] = (folder, { name, stats: { size, mtimeMs, ctimeMs, ino } }, sha256) => {
    seen.set(join(folder.path, name), { size, mtimeMs, ctimeMs, ino, sha256 });
    learned = true;
  };
  return {
    learn,
    async sha256(folder, file, signal) {
      const { size, mtimeMs, ctimeMs, ino } = file.stats;
      const known = seen.get(join(folder.path, file.name));
      if (known?.size === size && known.mtimeMs === mtimeMs && known.ctimeMs === ctimeMs && known.ino === ino)
        return known.sha256;
      const sha256 = await folder.hash(file.name, signal);
      learn(folder, file, sha256);
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
