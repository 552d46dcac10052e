import { McpkError } from '../../core/errors.ts';
import { compareVersions } from '../../core/versions.ts';
import type { PlannedSnapshot } from '../types.ts';
import type { Means } from '../work/means.ts';
import { bundleFile, readKeys, takeBundle } from './etcd-snapshot.ts';
import { readEtcd } from './etcd-status.ts';

/**
 * The bundle that a plan wants before anything changes, told as a step of the stage etcd; its file. Its keys are
 * encrypted to whom those of `etcd.backup` are.
 *
 * @throws McpkError as `takeBundle`, which says what to do without one
 */
export async function snapshotFirst(means: Means, { into }: PlannedSnapshot): Promise<string> {
  const { state, cluster, fleet, facts } = means;
  const now = new Date();
  const servers = [...facts.hosts.values()].flatMap(({ runs }) => runs['kube-apiserver'] ?? []);
  const kubernetes = servers.toSorted(compareVersions).at(-1) ?? cluster.versions.kubernetes;
  const recipients = cluster.etcd.backup?.ageRecipients ?? [];
  let tell = (_status: 'done' | 'failed'): void => undefined;
  try {
    const file = await bundleFile(into, cluster.name, now);
    const asking = { cluster, signal: state.signal };
    const [report, keys] = await Promise.all([readEtcd(asking, fleet), readKeys(asking, fleet)]);
    const onBegin = ({ host }: { host: string }): void => {
      const step = { at: 0, type: 'step', stage: 'etcd', host, title: `snapshot of etcd into ${file}` } as const;
      const say = (status: 'start' | 'done' | 'failed'): void => state.emit({ ...step, at: state.since(), status });
      tell = say;
      say('start');
    };
    await takeBundle(asking, { fleet, report, file, recipients, now, keys, kubernetes, onBegin });
    tell('done');
    return file;
  } catch (error) {
    tell('failed');
    if (!(error instanceof McpkError) || error.code === 'interrupted') throw error;
    const { code, message, host, details, hint = '' } = error;
    throw new McpkError(code, `no snapshot of etcd, so nothing was changed: ${message}`, {
      host,
      details: [...details],
      hint: [hint, 'Without one: --no-snapshot.'].filter(Boolean).join(' '),
      cause: error,
    });
  }
}
