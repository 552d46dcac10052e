import { McpkError } from '../../core/errors.ts';
import { isMap } from '../../core/merge.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { KubeObject } from '../kube-objects.ts';
import { parseManifest } from '../manifests.ts';
import { adaptNode, adaptPods } from './pods.ts';

export const CALICO = {
  /** Key of the manifest's text. */
  manifest: 'calico',
  namespace: 'kube-system',
  node: 'calico-node',
  controllers: 'calico-kube-controllers',
  config: 'calico-config',
  /** What Calico itself writes into the CNI folder. */
  cniFiles: ['10-calico.conflist', 'calico-kubeconfig'],
} as const;

/**
 * Upstream's calico.yaml with this cluster's pool, encapsulation, MTU, AS number, registry and API endpoint set in
 * its objects. Throws `invalid` when the text is something else (the operator's manifest, a page of an error).
 */
export function calicoObjects(cluster: Cluster, text: string | undefined, mtu: number): KubeObject[] {
  if (text === undefined) {
    throw new McpkError('invalid', "network.plugin is calico, but Calico's manifest was not loaded", {
      hint: "Name upstream's calico.yaml, a file or URL, in network.calico.manifest.",
    });
  }
  const objects = parseManifest(CALICO.manifest, text);
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
  return [endpoint(cluster), ...objects.map((object) => adapt(cluster, object, mtu))];
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
