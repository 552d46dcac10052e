import { revealed } from '../core/secret.ts';
import type { Cluster } from '../inventory/types.ts';

/** Folder in which containerd keeps images: its own, or `root` of `containerd.config`, as an absolute path. */
export function containerdRoot({ containerd }: Pick<Cluster, 'containerd'>): string {
  const root = revealed(containerd.config['root']);
  return typeof root === 'string' && root !== '' ? root.replace(/(?<=.)\/+$/, '') : '/var/lib/containerd';
}
