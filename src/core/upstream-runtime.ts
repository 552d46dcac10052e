/** The part of a Cluster that is looked at. */
interface Settings {
  readonly containerd: { readonly source?: 'package' | 'upstream' };
}

/** What a host needs of upstream's containerd, beside runc. */
export const CONTAINERD_PROGRAMS = ['containerd', 'containerd-shim-runc-v2', 'ctr'] as const;

/** Whether containerd and runc are upstream's; where the inventory says nothing, hosts decide (src/cluster/runtime-source.ts). */
export function isOfUpstream({ containerd }: Settings): boolean {
  return containerd.source === 'upstream';
}
