import { revealed } from './secret.ts';

/** The part of a Cluster that is looked at. */
interface Settings {
  readonly containerd: { readonly config: Readonly<Record<string, unknown>> };
}

/** Folder in which containerd keeps images: its own, or `root` of `containerd.config`, without a slash behind it. */
export function containerdRoot({ containerd }: Settings): string {
  const root = revealed(containerd.config['root']);
  return typeof root === 'string' && root !== '' ? root.replace(/(?<=[^/])\/+$/, '') : '/var/lib/containerd';
}
