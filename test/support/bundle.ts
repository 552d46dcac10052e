import { createHash } from 'node:crypto';
import { BundleWriter, type BundleKeys, type EtcdBundle } from '../../src/core/etcd-bundle.ts';
import { fillFile } from '../../src/core/private-file.ts';

export interface BundleContents {
  about?: Partial<EtcdBundle>;
  snapshot?: Buffer;
  keys?: BundleKeys | Buffer;
}

/** A bundle as mcpk etcd snapshot writes it; its snapshot is any bytes. */
export async function writeBundle(
  file: string,
  { about = {}, snapshot = Buffer.alloc(4096), keys }: BundleContents = {},
): Promise<EtcdBundle> {
  const createdAt = new Date('2026-11-28T17:43:05Z');
  const form = keys === undefined ? 'none' : Buffer.isBuffer(keys) ? 'age' : 'plain';
  const bundle: EtcdBundle = {
    apiVersion: 'mcpk/v1',
    kind: 'EtcdBundle',
    cluster: 'lab',
    clusterId: '14841639068965178418',
    createdAt: createdAt.toISOString(),
    member: 'm2',
    versions: { etcd: '3.7.3', kubernetes: '1.37.1' },
    revision: 100,
    totalKeys: 12,
    databaseBytes: snapshot.length,
    sha256: createHash('sha256').update(snapshot).digest('hex'),
    encryptionKeys: [],
    serviceAccountKeys: [],
    keys: form,
    ...about,
  };
  await fillFile(file, async (handle) => {
    const writer = new BundleWriter(handle, createdAt);
    if (keys !== undefined && form !== 'none')
      await writer.keys(Buffer.isBuffer(keys) ? keys : Buffer.from(JSON.stringify(keys)), form);
    await writer.piece(snapshot);
    await writer.finish(bundle);
  });
  return bundle;
}
