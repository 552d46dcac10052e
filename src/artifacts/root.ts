import { homedir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { defaultArtifactsFolder } from '../core/cache-folder.ts';
import type { Cluster } from '../inventory/types.ts';
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

function sharedFolder(one: string, other: string): string {
  const [a, b] = [one.split(sep), other.split(sep)];
  const parting = a.findIndex((name, at) => name !== b[at]);
  return join(sep, ...a.slice(0, parting < 0 ? a.length : parting));
}

/** Whether `path` is `folder` or lies below it. */
function within(folder: string, path: string): boolean {
  return relative(folder, path).split(sep)[0] !== '..';
}
