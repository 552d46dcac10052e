import { secretly, type Secret } from '../../core/secret.ts';
import { toYaml } from '../../render/formats.ts';
import type { Cluster } from '../../inventory/types.ts';

/** Nobody's requests are let through to the health paths alone: HAProxy and the gates ask those. */
export function authenticationConfig(): string {
  return toYaml({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthenticationConfiguration',
    anonymous: { enabled: true, conditions: ['/livez', '/readyz', '/healthz'].map((path) => ({ path })) },
  });
}

export function authorizationConfig(): string {
  return toYaml({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthorizationConfiguration',
    authorizers: [
      { type: 'Node', name: 'node' },
      { type: 'RBAC', name: 'rbac' },
    ],
  });
}

/** Who did what, without bodies; bodies of secrets never, the cluster's own chatter not at all. First match wins. */
const AUDIT_RULES: readonly Readonly<Record<string, unknown>>[] = [
  // Before all that is left out: what a stolen kubelet's certificate reads must leave a trace.
  {
    level: 'Metadata',
    resources: [
      { group: '', resources: ['secrets', 'configmaps', 'serviceaccounts/token'] },
      { group: 'authentication.k8s.io', resources: ['tokenreviews'] },
    ],
  },
  { level: 'None', nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/version', '/openapi/*'] },
  {
    level: 'None',
    resources: [
      { group: '', resources: ['events'] },
      { group: 'events.k8s.io', resources: ['events'] },
    ],
  },
  {
    level: 'None',
    verbs: ['get', 'update'],
    userGroups: ['system:nodes', 'system:masters'],
    resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }],
  },
  {
    level: 'None',
    users: ['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver'],
    verbs: ['get', 'update'],
    resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }],
  },
  { level: 'None', users: ['system:kube-proxy'], verbs: ['watch', 'list'] },
  { level: 'None', userGroups: ['system:nodes'], verbs: ['get', 'list', 'watch'] },
  {
    level: 'RequestResponse',
    verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
    resources: [{ group: 'rbac.authorization.k8s.io' }],
  },
  { level: 'Metadata' },
];

export function auditPolicy({ apiServer }: Cluster): string | Secret {
  const rules = apiServer.audit.policy ?? { omitStages: ['RequestReceived'], rules: AUDIT_RULES };
  // Without these two the API server does not start.
  return secretly({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...rules }, toYaml);
}
