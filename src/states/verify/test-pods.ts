import type { KubeObject } from '../kube-objects.ts';

export const TEST = { namespace: 'mcpk-verify', service: 'web', port: 8080, labels: { app: 'mcpk-verify' } } as const;

/** A web server on every node that answers with the node's name, and a Service before them. */
export function testObjects(image: string): KubeObject[] {
  const { namespace, service, port, labels } = TEST;
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name: service },
      spec: { selector: labels, ports: [{ name: 'http', port, targetPort: port, protocol: 'TCP' }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { namespace, name: service },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec(image) } },
    },
  ];
}

function podSpec(image: string): KubeObject {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // Masters and nodes that were drained are tested too.
    tolerations: [{ operator: 'Exists' }],
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'web',
        image,
        imagePullPolicy: 'IfNotPresent',
        command: [
          'sh',
          '-c',
          `mkdir -p /tmp/www && echo "$NODE" >/tmp/www/index.html && exec httpd -f -p ${String(TEST.port)} -h /tmp/www`,
        ],
        env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
        ports: [{ name: 'http', containerPort: TEST.port, protocol: 'TCP' }],
        readinessProbe: { tcpSocket: { port: TEST.port }, periodSeconds: 1 },
        resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '32Mi' } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  };
}
