import { basename, dirname, resolve } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import { fillFile } from '../core/private-file.ts';
import { BLOCK_BYTES, inBlocks, ustarHeader } from '../core/ustar.ts';
import { addSums, checkSum, formatSums, SUMS } from './checksums.ts';
import { SafeFolder, writeAll } from './safe-folder.ts';
import type { Needed } from './types.ts';

/** What a bundle's file is told by; any other name is a folder's. */
export const TAR_SUFFIX = '.tar';

/** The one folder in a tar: unpacked, it is what a machine without the Internet names as `artifacts.directory`. */
export const TAR_FOLDER = 'artifacts';

/**
 * Copies what is there into a folder that another machine takes as `artifacts.directory`: binaries beside their
 * SHA256SUMS, manifests by the names under which copies are looked for; where `to` ends with `.tar`, into a tar with that
 * folder, all of it or nothing. Gives the files' names in the folder. Throws `fetch` for a file that is not what it must
 * be, `invalid` for a link or the like in the folder, `usage` for a tar that can't be written.
 */
export async function writeBundle(to: string, all: Needed, signal: AbortSignal): Promise<string[]> {
  if (!to.endsWith(TAR_SUFFIX)) return write(all, folderBundle(new SafeFolder(resolve(to)), signal));
  return fillFile(resolve(to), (file) => write(all, tarBundle(file, signal)), 0o666);
}

/** Where a bundle is written to. */
interface Bundle {
  /** `name` begins with its folder: COMPONENT/VERSION/linux-ARCH/FILE. */
  add(from: string, copy: Copy): Promise<void>;
  /** Of the files in a folder. */
  sums(folder: string, sums: ReadonlyMap<string, string>): Promise<void>;
  end(): Promise<void>;
}

interface Copy {
  name: string;
  sha256: string;
  size: number;
  mode: number;
}

async function write({ binaries, manifests }: Needed, bundle: Bundle): Promise<string[]> {
  const written: string[] = [];
  const sums = new Map<string, Map<string, string>>();
  for (const { name, file, sha256, size } of binaries) {
    if (file === undefined || sha256 === undefined || size === undefined) continue;
    await bundle.add(file, { name, sha256, size, mode: 0o755 });
    sums.set(dirname(name), (sums.get(dirname(name)) ?? new Map<string, string>()).set(basename(name), sha256));
    written.push(name);
  }
  for (const [folder, ofFolder] of sums) await bundle.sums(folder, ofFolder);
  for (const { url, file, sha256, size } of manifests) {
    if (url === undefined || file === undefined || sha256 === undefined || size === undefined) continue;
    for (const own of new Set([basename(file), `${sha256}.yaml`])) {
      const name = `manifests/${own}`;
      await bundle.add(file, { name, sha256, size, mode: 0o644 });
      written.push(name);
    }
  }
  await bundle.end();
  return written;
}

function folderBundle(root: SafeFolder, signal: AbortSignal): Bundle {
  const below = (folder: string): SafeFolder => root.below(...folder.split('/'));
  return {
    async add(from, { name, sha256, mode }) {
      const [to, own] = [below(dirname(name)), basename(name)];
      const part = `${own}.part`;
      const file = await to.openPart(part);
      try {
        await file.truncate();
        await copy(from, { file, at: 0, sha256 }, signal);
        await file.chmod(mode);
        await to.rename(part, own);
      } catch (error) {
        await to.remove(part);
        throw error;
      } finally {
        await file.close();
      }
    },
    sums: (folder, sums) => addSums(below(folder), sums),
    end: () => Promise.resolve(),
  };
}

/** A ustar (src/core/ustar.ts): any tar unpacks it. */
function tarBundle(file: FileHandle, signal: AbortSignal): Bundle {
  const made = new Date();
  let at = 0;
  const begin = async (name: string, size: number, mode: number): Promise<void> => {
    await writeAll(file, ustarHeader({ name: `${TAR_FOLDER}/${name}`, size }, made, mode), at);
    at += BLOCK_BYTES;
  };
  return {
    async add(from, { name, sha256, size, mode }) {
      await begin(name, size, mode);
      await copy(from, { file, at, sha256 }, signal);
      at += inBlocks(size);
    },
    async sums(folder, sums) {
      const text = Buffer.from(formatSums(sums));
      await begin(`${folder}/${SUMS}`, text.length, 0o644);
      await writeAll(file, text, at);
      at += inBlocks(text.length);
    },
    // Two empty blocks end an archive.
    end: () => file.truncate(at + 2 * BLOCK_BYTES),
  };
}

/** Into a file that is open, from `at` on. */
async function copy(
  from: string,
  { file, at, sha256 }: { file: FileHandle; at: number; sha256: string },
  signal: AbortSignal,
): Promise<void> {
  const take = (piece: Buffer, position: number): Promise<void> => writeAll(file, piece, at + position);
  const actual = await new SafeFolder(dirname(from)).copy(basename(from), take, signal);
  checkSum(from, { sha256, hint: 'Run mcpk artifacts verify: it names all files that are damaged.' }, actual);
}
