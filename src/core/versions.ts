/**
 * What goes with which Kubernetes. From upstream's cmd/kubeadm/app/constants of each release, its version skew
 * policy, and etcd's upgrade guides. A new release is a new line here.
 */
interface KubernetesMinor {
  /** The oldest etcd that it was made for (kubeadm's MinExternalEtcdVersion). */
  oldestEtcd: string;
  /** etcd series that it is run with upstream. */
  etcd: readonly string[];
}

export const KUBERNETES: Readonly<Record<string, KubernetesMinor>> = {
  '1.35': { oldestEtcd: '3.5.24', etcd: ['3.5', '3.6', '3.7'] },
  '1.36': { oldestEtcd: '3.5.24', etcd: ['3.5', '3.6', '3.7'] },
  '1.37': { oldestEtcd: '3.5.24', etcd: ['3.5', '3.6', '3.7'] },
};

/**
 * etcd series → the oldest patch of the series before from which a member may be upgraded to it. Before 3.5.26
 * members that were removed long ago come back with 3.6 (https://etcd.io/blog/2025/zombie_members_upgrade/).
 */
const ETCD_UPGRADES: Readonly<Record<string, string>> = { '3.6': '3.5.26', '3.7': '3.6.11' };

/** `path` is the setting. */
export interface VersionProblem {
  path: readonly ['versions', 'kubernetes' | 'etcd'];
  message: string;
  hint: string;
}

/** Versions that don't exist for mcpk, or don't go together. Pure: what runs now is not asked, see {@link upgradeProblems}. */
export function checkVersions(versions: { kubernetes: string; etcd: string }): VersionProblem[] {
  const minor = KUBERNETES[seriesOf(versions.kubernetes) ?? ''];
  if (minor === undefined) {
    const known = Object.keys(KUBERNETES);
    return [
      {
        path: ['versions', 'kubernetes'],
        message: `Kubernetes ${versions.kubernetes} is not supported`,
        hint: `choose ${known[0]} to ${known.at(-1)}`,
      },
    ];
  }
  const etcd = seriesOf(versions.etcd);
  if (etcd === undefined || !minor.etcd.includes(etcd) || compareVersions(versions.etcd, minor.oldestEtcd) < 0) {
    return [
      {
        path: ['versions', 'etcd'],
        message: `etcd ${versions.etcd} does not go with Kubernetes ${versions.kubernetes}`,
        hint: `choose ${minor.etcd.join(', ')}, not older than ${minor.oldestEtcd}`,
      },
    ];
  }
  return [];
}

/** Why a component that runs in version `from` can't go straight to `to`; empty when it can, or stays. */
export function upgradeProblems(component: 'kubernetes' | 'etcd', from: string, to: string): VersionProblem[] {
  const path = ['versions', component] as const;
  const step = minorNumber(to) - minorNumber(from);
  const name = component === 'etcd' ? 'etcd' : 'Kubernetes';
  if (step < 0) {
    return [
      {
        path,
        message: `${name} ${from} runs, ${to} is older`,
        hint: 'a minor version can not be taken back: restore a backup instead',
      },
    ];
  }
  if (step > 1) {
    return [
      {
        path,
        message: `${name} ${from} runs, ${to} is ${step} minor versions newer`,
        hint: 'go one minor version at a time',
      },
    ];
  }
  const oldest = component === 'etcd' && step === 1 ? ETCD_UPGRADES[seriesOf(to) ?? ''] : undefined;
  if (oldest !== undefined && compareVersions(from, oldest) < 0) {
    return [
      {
        path,
        message: `etcd ${from} can't be upgraded to ${to}`,
        hint: `first bring every member to the newest ${seriesOf(from)}, at least ${oldest}`,
      },
    ];
  }
  return [];
}

/** Kubelets may be up to three minors older than the API server, never newer. */
export function kubeletSkewProblem(apiServer: string, kubelet: string): string | undefined {
  const older = minorNumber(apiServer) - minorNumber(kubelet);
  if (older < 0) return `its kubelet ${kubelet} is newer than the API server ${apiServer}`;
  return older > 3
    ? `its kubelet ${kubelet} is ${older} minor versions older than the API server ${apiServer}; 3 are allowed`
    : undefined;
}

/** `1.37.1` → `1.37`; undefined for what is no version. */
export function seriesOf(version: string): string | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)\.\d+(?:[-+].*)?$/.exec(version) ?? [];
  return major === undefined ? undefined : `${major}.${minor}`;
}

/** `1.37.1` → 37. */
export function minorNumber(version: string): number {
  return Number(seriesOf(version)?.split('.')[1] ?? Number.NaN);
}

/** Negative, 0 or positive, by the three numbers; a pre-release counts as its release. */
export function compareVersions(a: string, b: string): number {
  const left = numbersOf(a);
  const right = numbersOf(b);
  const differing = left.findIndex((number, index) => number !== right[index]);
  return differing < 0 ? 0 : (left[differing] ?? 0) - (right[differing] ?? 0);
}

function numbersOf(version: string): number[] {
  const [core = ''] = version.replace(/^v/, '').split(/[-+]/);
  return core.split('.').map(Number);
}
