/**
 * What goes with which Kubernetes. From upstream's cmd/kubeadm/app/constants of each release, its version skew
 * policy, and etcd's upgrade guides. A new release is a new line here, and scripts/upstream-formats.ts is run for it.
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
 * etcd series → the oldest patch of the series before from which a member may be upgraded to it, by its upgrade guides.
 * Before 3.5.26 members that were removed long ago come back with 3.6
 * (https://etcd.io/blog/2025/zombie_members_upgrade/); the guide wants 3.5.32 by now.
 */
const ETCD_UPGRADES: Readonly<Record<string, string>> = { '3.6': '3.5.32', '3.7': '3.6.11' };

/** The containerd of a cluster that names none: of upstream's series with long support the newest that was tried. */
export const CONTAINERD_OF_UPSTREAM = '2.3.7';

/** Whether a version is as upstream's releases write it; dpkg's have a revision of the distribution. */
export function isRelease(version: string): boolean {
  return /^\d+\.\d+\.\d+(-(alpha|beta|rc)\.\d+)?$/.test(version);
}

/**
 * The oldest of what else mcpk lays down: plugins that know the configuration 1.0.0 that it writes, a CoreDNS that
 * watches EndpointSlices v1, as every Kubernetes here has no others (its release notes), and the oldest Calico that
 * mcpk is tried with.
 */
const OLDEST = { cniPlugins: '1.0.0', coredns: '1.9.0', calico: '3.28.0' } as const;
const NAMES = { cniPlugins: 'the set of CNI plugins', coredns: 'CoreDNS', calico: 'Calico' } as const;

/** `path` is the setting. */
export interface VersionProblem {
  path: readonly ['versions', 'kubernetes' | 'etcd' | keyof typeof OLDEST];
  message: string;
  hint: string;
}

export type Versions = Readonly<Record<'kubernetes' | 'etcd' | keyof typeof OLDEST, string>>;

/** Versions that don't exist for mcpk, or don't go together; what is not known is absent. Pure: what runs now is not asked, see {@link upgradeProblems}. */
export function checkVersions(versions: Partial<Versions>): VersionProblem[] {
  const others = (['cniPlugins', 'coredns', 'calico'] as const).flatMap((name): VersionProblem[] => {
    const version = versions[name];
    if (version === undefined || compareVersions(version, OLDEST[name]) >= 0) return [];
    return [
      {
        path: ['versions', name],
        message: `${NAMES[name]} ${version} is too old`,
        hint: `choose ${OLDEST[name]} or newer`,
      },
    ];
  });
  return [...kubernetesProblems(versions.kubernetes), ...etcdProblems(versions), ...others];
}

function kubernetesProblems(version: string | undefined): VersionProblem[] {
  if (version === undefined || KUBERNETES[seriesOf(version) ?? ''] !== undefined) return [];
  return [
    {
      path: ['versions', 'kubernetes'],
      message: `Kubernetes ${version} is not supported`,
      hint: `choose ${kubernetesRange()}`,
    },
  ];
}

/** `1.35 to 1.37` */
export function kubernetesRange(): string {
  const known = Object.keys(KUBERNETES);
  return `${known[0]} to ${known.at(-1)}`;
}

/** `3.5, 3.6, 3.7, not older than 3.5.24`: what goes with these. */
export function etcdRange(minors: readonly KubernetesMinor[] = Object.values(KUBERNETES)): string {
  const series = new Set(minors.flatMap(({ etcd }) => etcd));
  const [oldest] = minors.map(({ oldestEtcd }) => oldestEtcd).toSorted(compareVersions);
  return `${[...series].join(', ')}, not older than ${oldest}`;
}

/** Of a Kubernetes that is not supported, what goes with none that is. */
function etcdProblems({ kubernetes, etcd }: Partial<Versions>): VersionProblem[] {
  if (etcd === undefined) return [];
  const minor = KUBERNETES[seriesOf(kubernetes ?? '') ?? ''];
  const minors = minor === undefined ? Object.values(KUBERNETES) : [minor];
  const series = seriesOf(etcd) ?? '';
  if (minors.some((each) => each.etcd.includes(series) && compareVersions(etcd, each.oldestEtcd) >= 0)) return [];
  return [
    {
      path: ['versions', 'etcd'],
      message: `etcd ${etcd} ${minor === undefined ? 'is not supported' : `does not go with Kubernetes ${String(kubernetes)}`}`,
      hint: `choose ${etcdRange(minors)}`,
    },
  ];
}

/** Why a component that runs in version `from` can't go straight to `to`, and the way; empty when it can, or stays. */
export function upgradeProblems(component: 'kubernetes' | 'etcd', from: string, to: string): VersionProblem[] {
  const path = ['versions', component] as const;
  const step = minorNumber(to) - minorNumber(from);
  const name = component === 'etcd' ? 'etcd' : 'Kubernetes';
  const setting = `versions.${component}`;
  if (step < 0) {
    return [
      {
        path,
        message: `${name} ${from} runs, ${to} is older`,
        hint: `no apply takes a minor version back: set ${setting} to ${from}. mcpk rollback may undo the run that brought it. After that ${onlyAnew(seriesOf(to) ?? to)}`,
      },
    ];
  }
  const oldest = component === 'etcd' ? ETCD_UPGRADES[`3.${String(minorNumber(from) + 1)}`] : undefined;
  if (step > 1) {
    const next = `${major(from)}.${String(minorNumber(from) + 1)}`;
    return [
      {
        path,
        message: `${name} ${from} runs, ${to} is ${step} minor versions newer`,
        hint: `upgrade to ${next} first: set ${setting}: ${next}.x, apply, then ${step === 2 ? to : 'the next'}`,
      },
    ];
  }
  if (step === 1 && oldest !== undefined && compareVersions(from, oldest) < 0) {
    return [
      {
        path,
        message: `etcd ${from} can't be upgraded to ${to}`,
        hint: `upgrade to the newest ${seriesOf(from)} first: set ${setting}: ${oldest} or newer, apply, then ${to}`,
      },
    ];
  }
  return [];
}

/** What is left where data were written by a newer minor version: a restore puts a bundle into etcd of its own minor alone. */
export function onlyAnew(series: string): string {
  return `only a cluster that is set up anew with ${series} (mcpk reset, then apply) can get a bundle of before: mcpk etcd restore`;
}

/** `1.37.1` → `1.37`; undefined for what is no version. */
export function seriesOf(version: string): string | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)\.\d+(?:[-+].*)?$/.exec(version) ?? [];
  return major === undefined ? undefined : `${major}.${minor}`;
}

function major(version: string): string {
  return seriesOf(version)?.split('.')[0] ?? '';
}

/** `1.37.1` → 37. */
export function minorNumber(version: string): number {
  return Number(seriesOf(version)?.split('.')[1] ?? Number.NaN);
}

/** Negative, 0 or positive, by the three numbers; a pre-release counts as its release, a Debian package as what is in it. */
export function compareVersions(a: string, b: string): number {
  const left = numbersOf(a);
  const right = numbersOf(b);
  const differing = left.findIndex((number, index) => number !== right[index]);
  return differing < 0 ? 0 : (left[differing] ?? 0) - (right[differing] ?? 0);
}

function numbersOf(version: string): number[] {
  const [core = ''] = version.replace(/^(v|\d+:)/, '').split(/[-+]/);
  return core.split('.').map(Number);
}
