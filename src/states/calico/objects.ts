import { McpkError } from '../../core/errors.ts';
import { PATHS } from '../../core/paths.ts';
import { isMap } from '../../core/merge.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { KubeObject } from '../kube-objects.ts';
import { manifestObjects, readAsOf } from '../manifests.ts';
import type { StateContext } from '../stage.ts';
import { podMtu } from './mtu.ts';
import { adaptNode, adaptPods, imagesOf, isOnNetwork } from './pods.ts';

export const CALICO = {
  /** Key of the manifest's text. */
  manifest: 'calico',
  namespace: 'kube-system',
  node: 'calico-node',
  controllers: 'calico-kube-controllers',
  config: 'calico-config',
  /** What Calico itself writes into the CNI folder. */
  cniFiles: ['10-calico.conflist', 'calico-kubeconfig'],
  /** … and elsewhere: its state, its logs, the CNI plugins that its pods bring along. */
  grows: [
    ...['/var/lib/calico', '/run/calico', '/var/log/calico'],
    ...['10-calico.conflist', 'calico-kubeconfig'].map((name) => `${PATHS.cniConfig}/${name}`),
    ...['bandwidth', 'calico', 'calico-ipam', 'flannel', 'host-local', 'install', 'loopback', 'portmap', 'tuning'].map(
      (name) => `${PATHS.cniBin}/${name}`,
    ),
  ],
} as const;

export interface CalicoObjects {
  /** What makes the network. */
  network: KubeObject[];
  /** Workloads whose pods are on it: they come up once it is there. */
  onItsNetwork: KubeObject[];
}

/**
 * Upstream's calico.yaml with this cluster's pool, encapsulation, MTU, AS number, registry and API endpoint set in
 * its objects; none with another network plugin. Throws `invalid` when the text is something else (the operator's
 * manifest, a page of an error).
 */
export function calicoObjects({ cluster, facts, manifests }: StateContext): CalicoObjects {
  return calicoObjectsOf(cluster, manifests, podMtu(cluster, facts));
}

/** The same with an MTU, where no host was asked. */
export function calicoObjectsOf(
  cluster: Cluster,
  manifests: StateContext['manifests'],
  mtu: ReturnType<typeof podMtu>,
): CalicoObjects {
  if (cluster.network.plugin !== 'calico') return { network: [], onItsNetwork: [] };
  const objects = upstreamObjects(cluster, manifests).map((object) => adapt(cluster, object, mtu));
  return {
    network: [endpoint(cluster), ...objects.filter((object) => !isOnNetwork(object))],
    onItsNetwork: objects.filter(isOnNetwork),
  };
}

/** Images that each node needs for its pods of Calico, before it has a network; none with another network plugin. */
export function networkImages({ cluster, manifests }: StateContext): string[] {
  if (cluster.network.plugin !== 'calico') return [];
  const everywhere = upstreamObjects(cluster, manifests).filter((object) => object['kind'] === 'DaemonSet');
  const pods = everywhere.map((object) => adaptPods(object, cluster.network.calico.registry));
  return [...new Set(pods.flatMap(imagesOf))];
}

function upstreamObjects(cluster: Cluster, manifests: StateContext['manifests']): readonly KubeObject[] {
  if (!manifests.has(CALICO.manifest)) {
    throw new McpkError('invalid', "network.plugin is calico, but Calico's manifest was not loaded", {
      hint: "Name upstream's calico.yaml, a file or URL, in network.calico.manifest.",
    });
  }
  return readAsOf(CALICO.manifest, cluster, () => checkUpstreams(manifestObjects(CALICO.manifest, manifests)));
}

/** Throws `invalid` for another manifest than upstream's. */
function checkUpstreams(objects: readonly KubeObject[]): readonly KubeObject[] {
  for (const [kind, name] of [
    ['ConfigMap', CALICO.config],
    ['DaemonSet', CALICO.node],
    ['Deployment', CALICO.controllers],
  ] as const) {
    if (!objects.some((object) => is(object, kind, name))) {
      throw new McpkError('invalid', `manifest ${CALICO.manifest}: it has no ${kind} ${name}`, {
        hint: "mcpk takes upstream's manifests/calico.yaml, not the operator's.",
      });
    }
  }
  return objects;
}

function adapt(cluster: Cluster, object: KubeObject, mtu: number): KubeObject {
  if (is(object, 'ConfigMap', CALICO.config)) {
    const data = isMap(object['data']) ? object['data'] : {};
    return { ...object, data: { ...data, calico_backend: backend(cluster), veth_mtu: String(mtu) } };
  }
  const pulled = adaptPods(object, cluster.network.calico.registry);
  return is(object, 'DaemonSet', CALICO.node) ? adaptNode(pulled, cluster) : pulled;
}

function backend(cluster: Cluster): string {
  return cluster.network.calico.encapsulation === 'vxlan' ? 'vxlan' : 'bird';
}

/** Read by Calico's pods in place of the `kubernetes` Service, which is there only once kube-proxy is. */
function endpoint({ endpoint: { address, port } }: Cluster): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: CALICO.namespace, name: 'kubernetes-services-endpoint' },
    data: { KUBERNETES_SERVICE_HOST: address, KUBERNETES_SERVICE_PORT: String(port) },
  };
}

function is(object: KubeObject, kind: string, name: string): boolean {
  const { metadata } = object;
  return object['kind'] === kind && isMap(metadata) && metadata['name'] === name;
}
