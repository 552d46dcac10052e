import { askEtcdutl, etcdutlVersion, parseCount, scratchCommand, scratchFailure } from '../../cluster/etcd-scratch.ts';
import { failure, McpkError } from '../../core/errors.ts';
import { countsKeys, type OpenedBundle } from '../../core/etcd-bundle.ts';
import { hasAllKeys } from '../../core/raised-revisions.ts';
import { seriesOf } from '../../core/versions.ts';
import type { Host } from '../../inventory/types.ts';
import { openFleet, type Fleet } from '../hosts/fleet.ts';
import type { EngineInput } from '../input.ts';
import { withScratch } from './with-scratch.ts';

export interface RehearseInput extends EngineInput {
  file: string;
  opened: OpenedBundle;
  /** Where it is tried. */
  host: Host;
}

export interface Rehearsed {
  host: string;
  /** As a member tells them that was started on the snapshot. */
  revision: number;
  keys: number;
  /** The snapshot on its way to the host, and from there to the member's answer. */
  sentMs: number;
  restoredMs: number;
}

/**
 * `mcpk etcd rehearse`: restores a bundle into a member of its own on a host, which nobody else reaches, and asks it.
 * Nothing of it stays; takes no lock.
 *
 * @throws McpkError `gate` when the snapshot can't be restored, or has not what the bundle says
 */
export async function etcdRehearse(input: RehearseInput): Promise<Rehearsed> {
  const started = performance.now();
  const since = (): number => performance.now() - started;
  const fleet = await openFleet([input.host], { ...input, lock: 'none', since });
  try {
    const [unreachable] = fleet.unreachable.values();
    if (unreachable) throw failure([unreachable]);
    return await rehearse(input, fleet);
  } finally {
    await fleet.close();
  }
}

async function rehearse(input: RehearseInput, fleet: Fleet): Promise<Rehearsed> {
  const { opened, host, signal } = input;
  const [version] = await fleet.exec(host.name, [askEtcdutl(host.name)], signal);
  const found = etcdutlVersion(version);
  const wanted = opened.bundle.versions.etcd;
  if (found === undefined || seriesOf(found) !== seriesOf(wanted))
    throw new McpkError('refused', `${host.name} has etcd ${found ?? 'none'}, and the snapshot is of ${wanted}`, {
      host: host.name,
      hint: 'The minor version must be the same: name another host with --on.',
    });
  return withScratch(fleet, { host: host.name, signal }, (folder) => restored(input, fleet, folder));
}

async function restored(
  { file, opened, host: { name }, signal }: RehearseInput,
  fleet: Fleet,
  folder: string,
): Promise<Rehearsed> {
  const { bundle, snapshot } = opened;
  const begun = performance.now();
  const source = { file, from: snapshot.position, size: snapshot.size };
  const path = `${folder}/snapshot.db`;
  await fleet.upload(name, { source, path, sha256: bundle.sha256, onBytes: () => undefined }, signal);
  const sent = performance.now();
  const [answer] = await fleet.exec(name, [{ argv: scratchCommand('rehearse', folder), long: true }], signal);
  const done = performance.now();
  if (answer?.exitCode !== 0) throw scratchFailure(name, answer);
  const counted = parseCount(answer.stdout);
  if (!counted || counted.revision !== bundle.revision || (countsKeys(bundle) && !hasAllKeys(counted.keys, bundle)))
    throw new McpkError('gate', `${name}: the snapshot has not what the bundle says`, {
      host: name,
      details: [
        `wanted  revision ${String(bundle.revision)}, ${String(bundle.totalKeys)} keys`,
        `found   revision ${String(counted?.revision)}, ${String(counted?.keys)} keys`,
      ],
      hint: 'Take another bundle.',
    });
  return { host: name, ...counted, sentMs: sent - begun, restoredMs: done - sent };
}
