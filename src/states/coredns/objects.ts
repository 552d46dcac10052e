import type { Cluster } from '../../inventory/types.ts';
import { render } from '../../render/render.ts';
import type { KubeObject } from '../kube-objects.ts';
import { deployment } from './deployment.ts';

export const COREDNS = { namespace: 'kube-system', name: 'coredns' } as const;

/** Other tools look the DNS service up by these names. */
const SELECTOR = { 'k8s-app': 'kube-dns' };
const ROLE = 'system:coredns';

/** CoreDNS as Kubernetes' own manifest has it (cluster/addons/dns/coredns), spread over nodes and with a budget. */
export function corednsObjects(cluster: Cluster): KubeObject[] {
  if (!cluster.addons.coredns.enabled) return [];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...COREDNS } },
    clusterRole(),
    clusterRoleBinding(),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...COREDNS },
      data: { Corefile: corefile(cluster) },
    },
    deployment(cluster, COREDNS, SELECTOR),
    service(cluster.addons.coredns.serviceAddress),
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { ...COREDNS },
      spec: { maxUnavailable: 1, selector: { matchLabels: SELECTOR } },
    },
  ];
}

function corefile({ addons, network }: Cluster): string {
  const { forward } = addons.coredns;
  // In the pod that file has the name servers of the kubelet's resolvConf.
  const upstream = forward.length > 0 ? forward.join(' ') : '/etc/resolv.conf';
  return render('coredns/Corefile', { domain: network.domain, upstream });
}

function clusterRole(): KubeObject {
  const verbs = ['list', 'watch'];
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: ROLE },
    rules: [
      { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs },
    ],
  };
}

function clusterRoleBinding(): KubeObject {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: ROLE },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: ROLE },
    subjects: [{ kind: 'ServiceAccount', ...COREDNS }],
  };
}

function service(clusterIP: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace: COREDNS.namespace,
      name: 'kube-dns',
      labels: { ...SELECTOR, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      clusterIP,
      selector: SELECTOR,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 },
      ],
    },
  };
}
