import type { Running, Service } from './services.ts';
import { minorNumber } from './versions.ts';

export interface SkewProblem {
  /** The same for what is wrong in the same place, whatever the versions. */
  key: string;
  host: string;
  message: string;
  hint: string;
}

interface Process {
  host: string;
  version: string;
  minor: number;
}

/** Minor versions that a service may be older than the newest API server; newer than the oldest one none may be. */
const OLDER_ALLOWED: readonly [Service, number][] = [
  ['kube-controller-manager', 1],
  ['kube-scheduler', 1],
  ['kubelet', 3],
  ['kube-proxy', 3],
];

/** What of these must not run side by side, by upstream's version skew policy and etcd's upgrade guides. Pure. */
export function skewProblems(running: Running): SkewProblem[] {
  const servers = processes(running, 'kube-apiserver');
  const followers = OLDER_ALLOWED.flatMap(([service, older]) => followerProblems(running, service, older));
  return [
    ...apart(servers, 'kube-apiserver', 'API server'),
    ...followers,
    ...proxyProblems(running),
    ...apart(processes(running, 'etcd'), 'etcd', 'etcd'),
  ];
}

function processes(running: Running, service: Service): Process[] {
  return [...running].flatMap(([host, { [service]: version }]) =>
    version === undefined ? [] : [{ host, version, minor: minorNumber(version) }],
  );
}

/** More than one minor version between those of a kind: blamed on the older ones. */
function apart(all: readonly Process[], service: 'kube-apiserver' | 'etcd', name: string): SkewProblem[] {
  const newest = extreme(all, 1);
  if (newest === undefined) return [];
  return all
    .filter(({ minor }) => newest.minor - minor > 1)
    .map(({ host, version }) => ({
      key: `${service} ${host} apart`,
      host,
      message: `${name} ${version} of ${host} is more than one minor version older than ${newest.version} of ${newest.host}`,
      hint: `Upgrade all to ${stepBefore(newest.version)} first: set versions.${service === 'etcd' ? 'etcd' : 'kubernetes'}: ${stepBefore(newest.version)}.x, apply.`,
    }));
}

function followerProblems(running: Running, service: Service, older: number): SkewProblem[] {
  const servers = processes(running, 'kube-apiserver');
  const [oldest, newest] = [extreme(servers, -1), extreme(servers, 1)];
  if (oldest === undefined || newest === undefined) return [];
  return processes(running, service).flatMap(({ host, version, minor }): SkewProblem[] => {
    if (minor > oldest.minor) {
      return [
        {
          key: `${service} ${host} newer`,
          host,
          message: `${service} ${version} of ${host} is newer than the API server ${oldest.version} of ${oldest.host}`,
          hint: `Upgrade the API servers first: apply to all masters, without --limit, --only and --skip, then to ${host}.`,
        },
      ];
    }
    if (newest.minor - minor <= older) return [];
    const first = stepBefore(newest.version);
    return [
      {
        key: `${service} ${host} older`,
        host,
        message: `${service} ${version} of ${host} is more than ${String(older)} minor versions older than the API server ${newest.version} of ${newest.host}`,
        hint: `Upgrade ${host} to ${first} first: set versions.kubernetes: ${first}.x, apply, then go on.`,
      },
    ];
  });
}

/** Between kube-proxy and the kubelet of its host three minor versions are allowed, either way. */
function proxyProblems(running: Running): SkewProblem[] {
  return [...running].flatMap(([host, { kubelet, 'kube-proxy': proxy }]) => {
    if (kubelet === undefined || proxy === undefined) return [];
    if (Math.abs(minorNumber(kubelet) - minorNumber(proxy)) <= 3) return [];
    return [
      {
        key: `kube-proxy ${host} kubelet`,
        host,
        message: `kube-proxy ${proxy} and kubelet ${kubelet} of ${host} are more than 3 minor versions apart`,
        hint: `Apply to ${host}: both come to versions.kubernetes.`,
      },
    ];
  });
}

function extreme(all: readonly Process[], sign: 1 | -1): Process | undefined {
  return all.toSorted((a, b) => sign * (b.minor - a.minor))[0];
}

/** `1.37.1` → `1.36`. */
function stepBefore(version: string): string {
  return `${version.split('.')[0] ?? ''}.${String(minorNumber(version) - 1)}`;
}
