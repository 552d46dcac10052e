import { PATHS } from '../core/paths.ts';
import { CONTAINERD_OF_UPSTREAM, isRelease } from '../core/versions.ts';
import type { Cluster } from '../inventory/types.ts';
import type { Facts } from './facts.ts';
import { owns } from './laid.ts';

/**
 * The cluster with `containerd.source` and what follows from it. Where the inventory says nothing, hosts that run the
 * package that a run gave them keep it, as a change drains every node; a new cluster gets upstream's, and so does one
 * of which nothing was read.
 */
export function withRuntimeSource(cluster: Cluster, facts?: Pick<Facts, 'hosts'>): Cluster {
  const { containerd, versions } = cluster;
  const hasPackage = [...(facts?.hosts.values() ?? [])].some(
    (host) => owns(host, 'package:containerd') && !owns(host, `link:${PATHS.bin}/containerd`),
  );
  const named = versions.containerd !== undefined && !isRelease(versions.containerd);
  const source = containerd.source ?? (hasPackage || named ? 'package' : 'upstream');
  const version = source === 'upstream' ? (versions.containerd ?? CONTAINERD_OF_UPSTREAM) : versions.containerd;
  return {
    ...cluster,
    containerd: { ...containerd, source },
    versions: { ...versions, ...(version === undefined ? {} : { containerd: version }) },
  };
}
