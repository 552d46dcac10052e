import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArrivingSnapshot, snapshotCommand, snapshotFailure } from '../../cluster/etcd-snapshot.ts';
import type { EtcdReport } from '../../cluster/facts.ts';
import { encryptTo } from '../../core/age.ts';
import { failure, McpkError } from '../../core/errors.ts';
import {
  bundleName,
  BUNDLE_SUFFIX,
  BundleWriter,
  describeKeys,
  type BundleKeys,
  type EtcdBundle,
} from '../../core/etcd-bundle.ts';
import { PATHS } from '../../core/paths.ts';
import { checkPlace, fillFile, unwritable } from '../../core/private-file.ts';
import { versionSaid } from '../../core/services.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Fleet } from '../hosts/fleet.ts';
import type { EngineInput } from '../input.ts';
import { openEtcd } from './etcd-status.ts';

export interface SnapshotInput extends EngineInput {
  /** A folder that is there, or a file to be written. */
  out: string;
  /** So many of the newest bundles of the cluster stay in the folder. */
  keep?: number;
  /** Of age; none = the keys are plain. */
  recipients: readonly string[];
  /** It begins: of this member. */
  onBegin?: Taking['onBegin'];
}

export interface SnapshotResult {
  file: string;
  bytes: number;
  bundle: EtcdBundle;
  /** Names of older bundles that left. */
  removed: string[];
  ms: number;
}

/** `mcpk etcd snapshot`. Takes no lock, as etcd goes on. */
export async function etcdSnapshot(input: SnapshotInput): Promise<SnapshotResult> {
  const started = performance.now();
  const { cluster, recipients, onBegin } = input;
  const now = new Date();
  const folder = await isFolder(input.out);
  if (!folder && input.keep !== undefined)
    throw new McpkError('usage', `--keep counts the bundles of a folder, and ${input.out} is none`, {
      hint: 'Name a folder that is there: --out backups/ --keep 7',
    });
  const file = await bundleFile(input.out, cluster.name, now);
  // A recipient that is none is told before hosts are asked.
  if (recipients.length > 0) await encryptTo(recipients, '');
  const { fleet, report } = await openEtcd(input, hostsWith(cluster, 'master'));
  try {
    // In one round trip.
    const [keys, kubernetes] = await Promise.all([readKeys(input, fleet), kubernetesOf(input, fleet)]);
    const begun = onBegin ? { onBegin } : {};
    const bundle = await takeBundle(input, { fleet, report, file, recipients, now, keys, kubernetes, ...begun });
    const removed = folder && input.keep !== undefined ? await removeOlder(input.out, cluster.name, input.keep) : [];
    return { file, bytes: (await stat(file)).size, bundle, removed, ms: performance.now() - started };
  } finally {
    await fleet.close();
  }
}

/** A file that can be written: `out` itself, or a new one in the folder that it is. Throws `usage`. */
export async function bundleFile(out: string, cluster: string, now: Date): Promise<string> {
  const file = (await isFolder(out)) ? join(out, bundleName(cluster, now)) : out;
  await checkPlace(file);
  return file;
}

export interface Taking {
  fleet: Fleet;
  report: EtcdReport;
  file: string;
  recipients: readonly string[];
  now: Date;
  /** {@link readKeys} */
  keys: BundleKeys;
  /** What API servers wrote it. */
  kubernetes: string;
  onBegin?: (member: { host: string; name: string }, bytes: number) => void;
}

/**
 * A bundle of a healthy member, where there is another one not of the leader, proved on its host and compared on arrival.
 * All of it or nothing is there afterwards.
 *
 * @throws McpkError `preflight` without room on the host, `gate` for what is not what etcd has, `stage`, `usage`
 */
export async function takeBundle(input: Pick<EngineInput, 'cluster' | 'signal'>, taking: Taking): Promise<EtcdBundle> {
  const { report, file, recipients, now, keys } = taking;
  const { cluster } = input;
  return fillFile(file, async (handle) => {
    const writer = new BundleWriter(handle, now);
    const text = JSON.stringify(keys);
    await writer.keys(
      recipients.length > 0 ? await encryptTo(recipients, text) : Buffer.from(text),
      formOf(recipients),
    );
    const taken = await take(input, taking, writer);
    const described: EtcdBundle = {
      apiVersion: 'mcpk/v1',
      kind: 'EtcdBundle',
      cluster: cluster.name,
      clusterId: report.clusterId,
      createdAt: now.toISOString(),
      ...taken,
      ...describeKeys(keys),
      keys: formOf(recipients),
    };
    await writer.finish(described);
    return described;
  });
}

function formOf(recipients: readonly string[]): 'plain' | 'age' {
  return recipients.length > 0 ? 'age' : 'plain';
}

async function isFolder(path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() === true) return true;
  if (path.endsWith('/')) throw unwritable(path, Object.assign(new Error(), { code: 'ENOENT' }));
  return false;
}

type Taken = Pick<EtcdBundle, 'member' | 'versions' | 'revision' | 'totalKeys' | 'databaseBytes' | 'sha256'>;

async function take(
  { cluster, signal }: Pick<EngineInput, 'cluster' | 'signal'>,
  { fleet, report, kubernetes, onBegin }: Taking,
  writer: BundleWriter,
): Promise<Taken> {
  const [member] = report.members
    .filter(({ host = '', healthy, role }) => healthy && role !== 'learner' && fleet.sessions.has(host))
    .toSorted(
      (a, b) => Number(a.role === 'leader') - Number(b.role === 'leader') || (a.raftLag ?? 0) - (b.raftLag ?? 0),
    );
  if (member?.host === undefined)
    throw new McpkError('gate', 'no member of etcd is healthy, so none can give a snapshot', {
      hint: 'mcpk etcd status says why.',
    });
  const { host, name, version = '', databaseBytes = 0 } = member;
  onBegin?.({ host, name }, databaseBytes);
  const arriving = new ArrivingSnapshot(host, writer);
  const answer = await fleet.download(
    host,
    { argv: snapshotCommand(), most: largest(cluster.etcd.quotaBytes), onData: (piece) => arriving.take(piece) },
    signal,
  );
  if (answer.exitCode !== 0) throw snapshotFailure(host, answer);
  return { member: name, versions: { etcd: version, kubernetes }, ...(await arriving.end()) };
}

/** Of the first master that is reached, whose binary is what its API server runs, or will once it starts. */
async function kubernetesOf({ cluster, signal }: EngineInput, fleet: Fleet): Promise<string> {
  const master = reachedMaster(cluster, fleet);
  const [answer] = await fleet.exec(master, [{ argv: [`${PATHS.bin}/kube-apiserver`, '--version'] }], signal);
  return versionSaid(answer?.stdout ?? '') ?? cluster.versions.kubernetes;
}

/** A database that is full is a little over its quota. */
function largest(quotaBytes: number): number {
  return Math.ceil(quotaBytes * 1.25) + 64 * 1024 * 1024;
}

const KEY_FILES: Readonly<Record<keyof BundleKeys, string>> = {
  'encryption.yaml': `${PATHS.apiServer}/encryption.yaml`,
  'service-account.key': `${PATHS.apiServer}/service-account.key`,
  'service-account.pub': `${PATHS.pki}/service-account.pub`,
};

/** Of the first master that is reached: all of them have the same. */
export async function readKeys(
  { cluster, signal }: Pick<EngineInput, 'cluster' | 'signal'>,
  fleet: Fleet,
): Promise<BundleKeys> {
  const master = reachedMaster(cluster, fleet);
  const read = async ([name, path]: [string, string]): Promise<[string, string]> => [
    name,
    (await fleet.read(master, path, signal)).toString('utf8'),
  ];
  return Object.fromEntries(await Promise.all(Object.entries(KEY_FILES).map(read))) as Record<keyof BundleKeys, string>;
}

function reachedMaster(cluster: Cluster, fleet: Fleet): string {
  const master = hostsWith(cluster, 'master').find(({ name }) => fleet.sessions.has(name))?.name;
  if (master !== undefined) return master;
  const [first, ...rest] = fleet.unreachable.values();
  throw first ? failure([first, ...rest]) : new McpkError('invalid', 'the inventory has no master');
}

/** Of this cluster alone, by the times in their names. */
async function removeOlder(folder: string, cluster: string, keep: number): Promise<string[]> {
  const isOurs = (name: string): boolean =>
    name.startsWith(`${cluster}-`) && name.endsWith(BUNDLE_SUFFIX) && /^\d{8}T\d{6}Z$/.test(name.slice(cluster.length + 1, -BUNDLE_SUFFIX.length)); // prettier-ignore
  const older = (await readdir(folder)).filter(isOurs).toSorted().toReversed().slice(keep);
  for (const name of older) await rm(join(folder, name));
  return older;
}
