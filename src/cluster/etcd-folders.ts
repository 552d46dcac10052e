import type { Cluster } from '../inventory/types.ts';

/** Where the members keep what must not be lost: their data, and the write-ahead log where it lies apart. */
export function etcdFolders({ etcd }: Pick<Cluster, 'etcd'>): readonly string[] {
  const wal = etcd.config['wal-dir'] ?? etcd.extraArgs['wal-dir'];
  return [etcd.dataDirectory, ...(typeof wal === 'string' && wal !== '' ? [wal] : [])];
}
