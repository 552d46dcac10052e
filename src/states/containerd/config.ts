import { kubeletSetting } from '../../core/kubelet-setting.ts';
import { deepMerge } from '../../core/merge.ts';
import { compareVersions } from '../../core/versions.ts';
import { PATHS } from '../../core/paths.ts';
import type { HostFacts } from '../../cluster/facts.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { registryCredentials } from './credentials.ts';

export const CONTAINERD = {
  folder: '/etc/containerd',
  config: '/etc/containerd/config.toml',
  certs: '/etc/containerd/certs.d',
  socket: '/run/containerd/containerd.sock',
  unit: 'containerd.service',
} as const;

type Tree = Readonly<Record<string, unknown>>;

/** First release of a distribution whose package `containerd` is 2.x; older ones ship 1.x. */
const SECOND_MAJOR: Readonly<Record<string, number>> = { debian: 14, ubuntu: 25.1 };

/**
 * Major version of containerd that a host gets: of the one that is wanted, or that its package manager gives; 1 where
 * nothing is known (2.x reads that too).
 */
export function containerdMajor(os: HostFacts['os'], wanted?: string): 1 | 2 {
  if (wanted !== undefined) return Number.parseInt(wanted.replace(/^\d+:/, ''), 10) >= 2 ? 2 : 1;
  const since = SECOND_MAJOR[os.id];
  return since !== undefined && Number.parseFloat(os.version) >= since ? 2 : 1;
}

/** The one driver that kubelet and containerd must agree upon. */
export function cgroupDriver({ kubelet }: Host): string {
  const wanted = kubeletSetting(kubelet, 'cgroupDriver');
  return typeof wanted === 'string' ? wanted : 'systemd';
}

/** config.toml: version 2 for containerd 1.x, version 3 for 2.x (docs/cri/config.md of each), with `containerd.config` over it. */
export function containerdConfig(cluster: Cluster, host: Host, major: 1 | 2): Record<string, unknown> {
  return deepMerge(major === 1 ? versionTwo(cluster, host) : versionThree(cluster, host), cluster.containerd.config);
}

function versionTwo(cluster: Cluster, host: Host): Tree {
  return {
    version: 2,
    plugins: {
      'io.containerd.grpc.v1.cri': {
        sandbox_image: sandboxImage(cluster),
        restrict_oom_score_adj: cluster.containerd.restrictOomScoreAdj,
        cni: cni(),
        containerd: { default_runtime_name: 'runc', runtimes: { runc: runc(host) } },
        registry: registry(cluster),
      },
    },
  };
}

function versionThree(cluster: Cluster, host: Host): Tree {
  return {
    version: 3,
    plugins: {
      'io.containerd.cri.v1.images': {
        pinned_images: { sandbox: sandboxImage(cluster) },
        registry: registry(cluster),
      },
      'io.containerd.cri.v1.runtime': {
        restrict_oom_score_adj: cluster.containerd.restrictOomScoreAdj,
        cni: takesFolders(cluster.versions.containerd)
          ? { bin_dirs: [PATHS.cniBin], conf_dir: PATHS.cniConfig }
          : cni(),
        containerd: { default_runtime_name: 'runc', runtimes: { runc: runc(host) } },
      },
    },
  };
}

/** 2.1 and later know `bin_dirs`, and 2.4 knows nothing else; of a package whose version nobody names, 2.0 to 2.3 take the older word. */
function takesFolders(version: string | undefined): boolean {
  return version !== undefined && compareVersions(version, '2.1.0') >= 0;
}

function registry(cluster: Cluster): Tree {
  const configs = registryCredentials(cluster.registries);
  return { config_path: CONTAINERD.certs, ...(Object.keys(configs).length === 0 ? {} : { configs }) };
}

/** Under a digest containerd knows an image without its tag (ParseDockerRef), and keeps it by that name. */
export function sandboxImage(cluster: Cluster): string {
  const [name = '', digest] = cluster.containerd.sandboxImage.split('@');
  return digest === undefined ? `${name}:${cluster.versions.pause}` : `${name.replace(/:[^:/]+$/, '')}@${digest}`;
}

/** Debian's default is /usr/lib/cni, where neither our plugins nor Calico's are. */
function cni(): Tree {
  return { bin_dir: PATHS.cniBin, conf_dir: PATHS.cniConfig };
}

function runc(host: Host): Tree {
  return { runtime_type: 'io.containerd.runc.v2', options: { SystemdCgroup: cgroupDriver(host) === 'systemd' } };
}
