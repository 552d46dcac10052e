import type { Cluster } from '../inventory/types.ts';
import type { Artifact } from '../states/stage.ts';

export type ComponentName = Artifact['component'];

interface Component {
  name: ComponentName;
  /** Files without which a run can't start; whatever else lies there with a checksum can be used too. */
  required: readonly string[];
  version(cluster: Cluster): string;
  mirror(cluster: Cluster): string;
  release(mirror: string, version: string, arch: string): Release;
}

/** Where upstream publishes a release, and the sha256 of what is fetched. */
export type Release =
  | { type: 'files'; url(name: string): string; checksum(name: string): string }
  /** `member` gives the name inside the archive of a file that is wanted; undefined takes all programs at its root. */
  | { type: 'archive'; url: string; checksum: string; folder: string; only: readonly string[] | undefined };

const ETCD = ['etcd', 'etcdctl', 'etcdutl'];

/** What a cluster is made of, and how upstream lays it out. */
export const COMPONENTS: readonly Component[] = [
  {
    name: 'kubernetes',
    required: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'],
    version: (cluster) => cluster.versions.kubernetes,
    mirror: (cluster) => cluster.artifacts.mirrors.kubernetes,
    release(mirror, version, arch) {
      const url = (name: string): string => `${mirror}/v${version}/bin/linux/${arch}/${name}`;
      return { type: 'files', url, checksum: (name) => `${url(name)}.sha256` };
    },
  },
  {
    name: 'etcd',
    required: ETCD,
    version: (cluster) => cluster.versions.etcd,
    mirror: (cluster) => cluster.artifacts.mirrors.etcd,
    release(mirror, version, arch) {
      const folder = `etcd-v${version}-linux-${arch}`;
      const base = `${mirror}/v${version}`;
      return {
        type: 'archive',
        url: `${base}/${folder}.tar.gz`,
        checksum: `${base}/SHA256SUMS`,
        folder: `${folder}/`,
        only: ETCD,
      };
    },
  },
  {
    name: 'cni-plugins',
    required: ['bridge', 'host-local', 'loopback', 'portmap'],
    version: (cluster) => cluster.versions.cniPlugins,
    mirror: (cluster) => cluster.artifacts.mirrors.cniPlugins,
    release(mirror, version, arch) {
      const url = `${mirror}/v${version}/cni-plugins-linux-${arch}-v${version}.tgz`;
      return { type: 'archive', url, checksum: `${url}.sha256`, folder: '', only: undefined };
    },
  },
];
