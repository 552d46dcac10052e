import { cniPluginNames } from '../core/cni-plugins.ts';
import { CONTAINERD_OF_UPSTREAM } from '../core/versions.ts';
import { CONTAINERD_PROGRAMS, isOfUpstream } from '../core/upstream-runtime.ts';
import type { Cluster } from '../inventory/types.ts';
import type { Artifact } from '../states/stage.ts';

export type ComponentName = Artifact['component'];

interface Component {
  name: ComponentName;
  /** Files that a run of this cluster lays on hosts; whatever else lies there with a checksum can be used too. */
  required(cluster: Cluster): readonly string[];
  version(cluster: Cluster): string;
  /** The mirror of an inventory that names none. */
  upstream: string;
  mirror(cluster: Cluster): string;
  release(mirror: string, version: string, arch: string): Release;
}

/** Where upstream publishes a release, and the sha256 of what is fetched. */
export type Release =
  | { type: 'files'; url(name: string): string; checksum(name: string): string }
  /** Of the archive nothing is taken but `programs`, which lie in its folder `inside` (empty: at its root). */
  | { type: 'archive'; file: string; url: string; checksum: string; inside: string; programs: readonly string[] };

const KUBERNETES = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'];
const ETCD = ['etcd', 'etcdctl', 'etcdutl'];
/** All that upstream's releases of the last years hold; each of them lacks one or the other. */
const CNI_PLUGINS =
  'bandwidth bridge dhcp dummy firewall host-device host-local ipvlan loopback macvlan portmap ptp sbr static tap tuning vlan vrf';

/** What a cluster is made of, and how upstream lays it out. */
export const COMPONENTS: readonly Component[] = [
  {
    name: 'kubernetes',
    required: () => KUBERNETES,
    version: (cluster) => cluster.versions.kubernetes,
    upstream: 'https://dl.k8s.io',
    mirror: (cluster) => cluster.artifacts.mirrors.kubernetes,
    release(mirror, version, arch) {
      const url = (name: string): string => `${mirror}/v${version}/bin/linux/${arch}/${name}`;
      return { type: 'files', url, checksum: (name) => `${url(name)}.sha256` };
    },
  },
  {
    name: 'etcd',
    required: () => ETCD,
    version: (cluster) => cluster.versions.etcd,
    upstream: 'https://github.com/etcd-io/etcd/releases/download',
    mirror: (cluster) => cluster.artifacts.mirrors.etcd,
    release(mirror, version, arch) {
      const folder = `etcd-v${version}-linux-${arch}`;
      const base = `${mirror}/v${version}`;
      const file = `${folder}.tar.gz`;
      const checksum = `${base}/SHA256SUMS`;
      return { type: 'archive', file, url: `${base}/${file}`, checksum, inside: folder, programs: ETCD };
    },
  },
  {
    name: 'cni-plugins',
    required: (cluster) => cniPluginNames(cluster.network.plugin),
    version: (cluster) => cluster.versions.cniPlugins,
    upstream: 'https://github.com/containernetworking/plugins/releases/download',
    mirror: (cluster) => cluster.artifacts.mirrors.cniPlugins,
    release(mirror, version, arch) {
      const file = `cni-plugins-linux-${arch}-v${version}.tgz`;
      const url = `${mirror}/v${version}/${file}`;
      const programs = CNI_PLUGINS.split(' ');
      return { type: 'archive', file, url, checksum: `${url}.sha256`, inside: '', programs };
    },
  },
  {
    name: 'containerd',
    required: (cluster) => (isOfUpstream(cluster) ? CONTAINERD_PROGRAMS : []),
    version: ({ versions }) => versions.containerd ?? CONTAINERD_OF_UPSTREAM,
    upstream: 'https://github.com/containerd/containerd/releases/download',
    mirror: (cluster) => cluster.artifacts.mirrors.containerd,
    release(mirror, version, arch) {
      const file = `containerd-${version}-linux-${arch}.tar.gz`;
      const url = `${mirror}/v${version}/${file}`;
      return { type: 'archive', file, url, checksum: `${url}.sha256sum`, inside: 'bin', programs: CONTAINERD_PROGRAMS };
    },
  },
  {
    name: 'runc',
    required: (cluster) => (isOfUpstream(cluster) ? ['runc'] : []),
    version: ({ versions }) => versions.runc,
    upstream: 'https://github.com/opencontainers/runc/releases/download',
    mirror: (cluster) => cluster.artifacts.mirrors.runc,
    release(mirror, version, arch) {
      const base = `${mirror}/v${version}`;
      return { type: 'files', url: (name) => `${base}/${name}.${arch}`, checksum: () => `${base}/runc.sha256sum` };
    },
  },
];

/** What upstream publishes, the largest first: some 90 MB to 10, as it was in the last years. */
const BY_SIZE = [
  'kube-apiserver',
  'kube-controller-manager',
  'kubelet',
  'kubectl',
  'cni-plugins',
  'kube-scheduler',
  'kube-proxy',
  'containerd',
  'etcd',
  'runc',
];

/** Less for what takes longer to fetch; `name` is that of a single file, or of an archive's component. */
export function sizeRank(name: string): number {
  return BY_SIZE.indexOf(name);
}

/** What a release gives, beside the single files that are `required`. */
export function filesOf(release: Release): readonly string[] {
  return release.type === 'archive' ? [release.file, ...release.programs] : [];
}
