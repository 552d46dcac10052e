import { stat } from 'node:fs/promises';
import { etcdFolders } from '../../cluster/etcd-folders.ts';
import { ArrivingSnapshot } from '../../cluster/etcd-snapshot.ts';
import { askEtcdutl, etcdutlVersion, scratchCommand, scratchFailure } from '../../cluster/etcd-scratch.ts';
import { askEtcdStatus, parseEtcdStatus } from '../../cluster/etcd.ts';
import { PATIENCE } from '../../cluster/members.ts';
import { McpkError } from '../../core/errors.ts';
import { BundleWriter, describeKeys, type EtcdBundle } from '../../core/etcd-bundle.ts';
import { checkPlace, fillFile } from '../../core/private-file.ts';
import { readKeys } from './etcd-snapshot.ts';
import { withScratch } from './with-scratch.ts';
import type { EngineInput } from '../input.ts';
import { open, type Opened } from '../read/open.ts';
import { checkRestoring } from '../read/problems.ts';

export interface RecoverInput extends EngineInput {
  /** Host of the member whose data are taken. */
  from: string;
  /** File of the bundle. */
  out: string;
  confirm(): Promise<boolean>;
}

/**
 * A bundle of what one member has of a cluster without a quorum: of a copy of its data, by a member of its own that is
 * told to be alone. The member itself stays as it is.
 *
 * @throws McpkError `refused` while a quorum answers, or where the host has no data
 */
export async function recoveredBundle(
  input: RecoverInput,
): Promise<{ file: string; bytes: number; bundle: EtcdBundle }> {
  const now = new Date();
  await checkPlace(input.out);
  const opened = await open(input, 'exclusive');
  try {
    checkLost(input, opened);
    if (!(await input.confirm())) throw new McpkError('interrupted', 'declined', { hint: 'Nothing was changed.' });
    const bundle = await fillFile(input.out, (handle) => write(input, opened, new BundleWriter(handle, now), now));
    return { file: input.out, bytes: (await stat(input.out)).size, bundle };
  } finally {
    await opened.fleet.close();
  }
}

function checkLost({ from }: RecoverInput, { facts }: Opened): void {
  checkRestoring(facts);
  const refused = (message: string, hint: string): McpkError => new McpkError('refused', message, { hint, host: from });
  if (facts.etcd === 'formed')
    throw refused(
      'a quorum of etcd answers: nothing is lost',
      'What is away comes back by apply, a snapshot by mcpk etcd restore.',
    );
  if (facts.hosts.get(from)?.etcdData !== true)
    throw refused('has no data of etcd', 'Name a host with --from whose member has data.');
}

async function write(
  input: RecoverInput,
  { fleet, reader }: Opened,
  writer: BundleWriter,
  now: Date,
): Promise<EtcdBundle> {
  const { cluster, from, signal } = input;
  const [data, wal = ''] = etcdFolders(cluster);
  const keys = await readKeys(input, fleet);
  await writer.keys(Buffer.from(JSON.stringify(keys)), 'plain');
  const [version, status] = await reader.ask([askEtcdutl(from), askEtcdStatus(from, { patience: PATIENCE })]);
  const arriving = new ArrivingSnapshot(from, writer);
  const most = cluster.etcd.quotaBytes * 2;
  const copied = (folder: string): string[] => scratchCommand('copy', folder, from, data, wal);
  const answer = await withScratch(fleet, { host: from, signal }, (folder) =>
    fleet.download(from, { argv: copied(folder), most, onData: (piece) => arriving.take(piece) }, signal),
  );
  if (answer.exitCode !== 0) throw scratchFailure(from, answer);
  const bundle: EtcdBundle = {
    apiVersion: 'mcpk/v1',
    kind: 'EtcdBundle',
    cluster: cluster.name,
    clusterId: parseEtcdStatus(status)?.clusterId ?? '',
    createdAt: now.toISOString(),
    member: from,
    versions: { etcd: etcdutlVersion(version) ?? cluster.versions.etcd, kubernetes: cluster.versions.kubernetes },
    ...(await arriving.end()),
    ...describeKeys(keys),
    keys: 'plain',
  };
  await writer.finish(bundle);
  return bundle;
}
