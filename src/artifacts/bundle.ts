import { basename, dirname, resolve } from 'node:path';
import { addSums, checkSum } from './checksums.ts';
import type { Needed } from './types.ts';
import { hashOf, SafeFolder } from './safe-folder.ts';

/**
 * Copies what is there into a folder that another machine takes as `artifacts.directory`: binaries beside their
 * SHA256SUMS, manifests by the names under which copies are looked for. Throws `fetch` for a file that is not what it must
 * be, `invalid` for a link or the like in the folder.
 */
export async function writeBundle(
  folder: string,
  { binaries, manifests }: Needed,
  signal: AbortSignal,
): Promise<string[]> {
  const root = new SafeFolder(resolve(folder));
  const written: string[] = [];
  for (const { name, file, sha256 } of binaries) {
    if (file === undefined || sha256 === undefined) continue;
    const [to, own] = [root.below(...name.split('/').slice(0, -1)), basename(name)];
    await copy(file, { to, name: own, sha256, mode: 0o755 }, signal);
    await addSums(to, new Map([[own, sha256]]));
    written.push(name);
  }
  for (const { url, file, sha256 } of manifests) {
    if (url === undefined || file === undefined || sha256 === undefined) continue;
    for (const own of new Set([basename(file), `${sha256}.yaml`])) {
      await copy(file, { to: root.below('manifests'), name: own, sha256, mode: 0o644 }, signal);
      written.push(`manifests/${own}`);
    }
  }
  return written;
}

interface Copy {
  to: SafeFolder;
  name: string;
  sha256: string;
  mode: number;
}

/** All of it or nothing. */
async function copy(from: string, { to, name, sha256, mode }: Copy, signal: AbortSignal): Promise<void> {
  const part = `${name}.part`;
  const file = await to.openPart(part);
  try {
    await new SafeFolder(dirname(from)).copy(basename(from), file, signal);
    checkSum(
      from,
      { sha256, hint: 'Run mcpk artifacts verify: it names all files that are damaged.' },
      await hashOf(file, signal),
    );
    await file.chmod(mode);
    await to.rename(part, name);
  } catch (error) {
    await to.remove(part);
    throw error;
  } finally {
    await file.close();
  }
}
