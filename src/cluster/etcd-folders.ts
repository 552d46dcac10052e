import { deepMerge } from '../core/merge.ts';
import { revealed } from '../core/secret.ts';
import type { Cluster } from '../inventory/types.ts';

/** Where a member's write-ahead log lies: without one there it has no data. */
export function etcdLog(cluster: Pick<Cluster, 'etcd'>): string {
  const [data, apart] = etcdFolders(cluster);
  return apart ?? `${data}/member/wal`;
}

/** Where the members keep what must not be lost: their data, and the write-ahead log where it lies apart. */
export function etcdFolders({ etcd }: Pick<Cluster, 'etcd'>): readonly [data: string, ...wal: string[]] {
  const { 'wal-dir': wal } = revealed(deepMerge(etcd.extraArgs, etcd.config));
  return [etcd.dataDirectory, ...(typeof wal === 'string' && wal !== '' ? [wal] : [])];
}
