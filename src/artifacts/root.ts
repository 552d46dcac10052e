import { homedir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { defaultArtifactsFolder } from '../core/cache-folder.ts';
import type { Cluster } from '../inventory/types.ts';
import { refusal } from './links.ts';
import { SafeFolder } from './safe-folder.ts';

export function expand(path: string): string {
  return resolve(path.replace(/^~(?=\/|$)/, homedir()));
}

/**
 * The artifacts' root. On the way to it links are the operator's own business (a ~/.cache that lies on another disk),
 * unless it lies beside an inventory: who wrote that may have put them there too.
 */
export function artifactsRoot({ artifacts, files }: Cluster): SafeFolder {
  const root = expand(artifacts.directory);
  if (root === defaultArtifactsFolder(process.env, homedir())) return new SafeFolder(root);
  // `/proc/self/cwd` is the repository by another name.
  if (['/proc', '/dev/fd'].some((folder) => within(folder, root)))
    throw refusal(root, 'is no folder for binaries: it is the system’s');
  const [base = root] = files
    .map((file) => dirname(resolve(file)))
    .flatMap((folder) => {
      const shared = sharedFolder(folder, root);
      // The root lies elsewhere when all that they share is the home, or what all homes share.
      return shared === folder || !within(shared, homedir()) ? [shared] : [];
    })
    .toSorted((a, b) => a.length - b.length);
  return new SafeFolder(root, base);
}

/** Whether it lies below the folder of an inventory: other inventories have no business there. */
export function isOfInventory(root: string, files: readonly string[]): boolean {
  if (root === defaultArtifactsFolder(process.env, homedir())) return false;
  const folders = files.map((file) => dirname(resolve(file)));
  return folders.some((folder) => within(folder, root) && !within(folder, homedir()));
}

function sharedFolder(one: string, other: string): string {
  const [a, b] = [one.split(sep), other.split(sep)];
  const parting = a.findIndex((name, at) => name !== b[at]);
  return join(sep, ...a.slice(0, parting < 0 ? a.length : parting));
}

/** Whether `path` is `folder` or lies below it. */
function within(folder: string, path: string): boolean {
  return relative(folder, path).split(sep)[0] !== '..';
}
