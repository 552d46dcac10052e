import { containerdRoot } from '../../core/containerd-root.ts';
import type { HostFacts } from '../../cluster/facts.ts';
import { isNew } from '../../cluster/laid.ts';
import { kubeletSetting } from '../../core/kubelet-setting.ts';
import { isMap } from '../../core/merge.ts';
import { quantity } from '../../core/quantity.ts';
import { revealed } from '../../core/secret.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { kubeletConfiguration } from '../kubelet/configuration.ts';
import { isNode } from '../node-rollout.ts';
import type { Problem } from '../stage.ts';

type Filesystem = HostFacts['filesystems'][number];

/**
 * Filesystems on which the kubelet would evict every pod as soon as it starts, whatever room there is in GiB: its
 * thresholds are shares of the disk. A node that stands may be about to be mended: it is warned.
 */
export function evictionProblems(cluster: Cluster, host: Host, own: HostFacts): Omit<Problem, 'host'>[] {
  if (!isNode(host)) return [];
  // Where the kubelet and containerd keep what is theirs.
  const folders: Readonly<Record<string, string>> = { nodefs: '/var/lib/kubelet', imagefs: containerdRoot(cluster) };
  const found = [...thresholdsOf(cluster, host, own)].flatMap(([signal, threshold]) => {
    const [name = '', what] = signal.split('.');
    const disk = diskOf(folders[name], own);
    if (!disk) return [];
    const least = figureOf(threshold, what === 'available' ? disk.totalBytes : disk.inodes);
    const left = what === 'available' ? disk.freeBytes : disk.freeInodes;
    return least === undefined || left >= least ? [] : [{ disk, signal, threshold, seen: inWords(what, disk) }];
  });
  return [...Map.groupBy(found, ({ seen }) => seen)].map(([seen, all]) => ({
    ...(isNew(own) ? {} : { code: 'warning' as const }),
    message: `has ${seen}: the kubelet evicts pods below ${all.map(({ signal, threshold }) => `${threshold} (${signal})`).join(' and ')}`,
    hint: 'Make room there, or set kubelet.config.evictionHard.',
  }));
}

/** The disk that has the folder, or will have it: the nearest one that was looked at. */
function diskOf(folder: string | undefined, { filesystems }: HostFacts): Filesystem | undefined {
  const within = (path: string): boolean => folder === path || folder?.startsWith(path.replace(/\/?$/, '/')) === true;
  return filesystems.filter(({ path }) => within(path)).toSorted((a, b) => b.path.length - a.path.length)[0];
}

function inWords(what: string | undefined, { path, freeBytes, totalBytes, freeInodes, inodes }: Filesystem): string {
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
  return what === 'available'
    ? `${gib(freeBytes)} of ${gib(totalBytes)} GiB free below ${path}`
    : `${String(freeInodes)} of ${String(inodes)} inodes free below ${path}`;
}

/** `imagefs.available` → `15%`; the flag of that name wins over the file. */
function thresholdsOf(cluster: Cluster, host: Host, own: HostFacts): Map<string, string> {
  const flag = kubeletSetting(host.kubelet, 'evictionHard');
  if (typeof flag === 'string')
    return new Map(
      flag.split(',').map((each) => [each.slice(0, each.indexOf('<')).trim(), each.slice(each.indexOf('<') + 1)]),
    );
  const hard = revealed(kubeletConfiguration(cluster, host, own)['evictionHard']);
  return new Map(isMap(hard) ? Object.entries(hard).map(([signal, value]) => [signal, String(value)]) : []);
}

/** `15%` of `whole`, or a quantity of Kubernetes; undefined where it is neither. */
function figureOf(threshold: string, whole: number): number | undefined {
  const [, share] = /^(\d+(?:\.\d+)?)%$/.exec(threshold.trim()) ?? [];
  return share === undefined ? quantity(threshold.trim()) : (Number(share) * whole) / 100;
}
