import type { Cluster } from '../../inventory/types.ts';
import type { KubeObject } from '../kube-objects.ts';

type Labels = Readonly<Record<string, string>>;

export function deployment(
  cluster: Cluster,
  metadata: { namespace: string; name: string },
  selector: Labels,
): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...metadata, labels: { ...selector, 'kubernetes.io/name': 'CoreDNS' } },
    spec: {
      replicas: cluster.addons.coredns.replicas,
      selector: { matchLabels: selector },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      template: { metadata: { labels: selector }, spec: podSpec(cluster, metadata.name, selector) },
    },
  };
}

function podSpec(cluster: Cluster, name: string, selector: Labels): KubeObject {
  return {
    serviceAccountName: name,
    priorityClassName: 'system-cluster-critical',
    // Default = the node's resolv.conf: with ClusterFirst it would ask itself.
    dnsPolicy: 'Default',
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [
      { key: 'CriticalAddonsOnly', operator: 'Exists' },
      { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
    ],
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: { labelSelector: { matchLabels: selector }, topologyKey: 'kubernetes.io/hostname' },
          },
        ],
      },
    },
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    containers: [container(cluster)],
    volumes: [{ name: 'config', configMap: { name, items: [{ key: 'Corefile', path: 'Corefile' }] } }],
  };
}

function container(cluster: Cluster): KubeObject {
  return {
    name: 'coredns',
    image: cluster.addons.coredns.image,
    imagePullPolicy: 'IfNotPresent',
    args: ['-conf', '/etc/coredns/Corefile'],
    resources: { limits: { memory: '170Mi' }, requests: { cpu: '100m', memory: '70Mi' } },
    ports: [
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
      { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
      { name: 'metrics', containerPort: 9153, protocol: 'TCP' },
    ],
    // Asked every 2 s, so that a rollout does not wait for the default's ten.
    readinessProbe: { httpGet: { path: '/ready', port: 8181, scheme: 'HTTP' }, periodSeconds: 2, failureThreshold: 5 },
    livenessProbe: {
      httpGet: { path: '/health', port: 8080, scheme: 'HTTP' },
      initialDelaySeconds: 60,
      timeoutSeconds: 5,
      failureThreshold: 5,
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
    volumeMounts: [{ name: 'config', mountPath: '/etc/coredns', readOnly: true }],
  };
}
