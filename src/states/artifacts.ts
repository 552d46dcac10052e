import { cniPluginNames } from '../core/cni-plugins.ts';
import { PATHS } from '../core/paths.ts';
import { CONTAINERD_PROGRAMS, isOfUpstream } from '../core/upstream-runtime.ts';
import type { BinaryResource } from '../resources/types.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import { directory } from './build.ts';
import type { Artifact, Stage, StateContext } from './stage.ts';

/** kubectl too: steps and gates run it, against the local API server. */
const CONTROL_PLANE = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'];
const ETCD = ['etcd', 'etcdctl', 'etcdutl'];

/** Names of the binaries that a host needs for its roles, in the order in which they are wanted. */
export function binariesOf(cluster: Cluster, host: Host): string[] {
  const master = host.roles.includes('master');
  const node = master || host.roles.includes('worker');
  return [
    ...(host.roles.includes('etcd') ? ETCD : []),
    ...(master ? CONTROL_PLANE : []),
    ...(node ? ['kubelet'] : []),
    ...(node && cluster.kubeProxy.enabled ? ['kube-proxy'] : []),
    ...(node ? cniPluginNames(cluster.network.plugin) : []),
    ...(node && isOfUpstream(cluster) ? [...CONTAINERD_PROGRAMS, 'runc'] : []),
  ];
}

export function binary(artifact: Artifact): BinaryResource {
  const { name, version, sha256, source, size } = artifact;
  return { kind: 'binary', name, version, sha256, source, size };
}

/** Binaries land by content; the stages that run them switch their links, so bytes travel while nothing stops. */
export const artifacts: Stage = {
  name: 'artifacts',
  title: 'Binaries',
  about: 'sends the binaries that a host lacks, by their content; the stages that run them switch to them',
  hosts: (cluster) => cluster.hosts,
  needs: ['preflight'],
  binaries: true,
  states: ({ cluster, host, own, artifacts: index }: StateContext) => [
    // Services of other users run what lies in the store; everything else in it is closed to them by its own mode.
    directory(PATHS.state, { mode: '0711', owner: 'root', group: 'root' }),
    directory(PATHS.store),
    ...binariesOf(cluster, host).map((name) => binary(index.get(name, own.arch))),
  ],
};
