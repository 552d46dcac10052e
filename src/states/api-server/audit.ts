import { USERS } from '../../core/paths.ts';
import { Secret, secretly } from '../../core/secret.ts';
import type { Cluster } from '../../inventory/types.ts';
import { toYaml, type FlagValue } from '../../render/formats.ts';
import type { Resource } from '../../resources/types.ts';
import { directory, file, readableBy } from '../build.ts';
import { API_SERVER_FILES } from './flags.ts';

export interface Audit {
  readonly resources: Resource[];
  readonly flags: Readonly<Record<string, FlagValue>>;
  /** Where the API server writes; empty when it keeps no log. */
  readonly folder: string;
}

/** Who did what, without bodies; bodies of secrets never, the cluster's own chatter not at all. First match wins. */
const AUDIT_RULES: readonly Readonly<Record<string, unknown>>[] = [
  // Before all that is left out: what a stolen kubelet's certificate reads, or gets into, must leave a trace.
  {
    level: 'Metadata',
    resources: [
      { group: '', resources: ['secrets', 'configmaps', 'serviceaccounts/token'] },
      { group: '', resources: ['pods/exec', 'pods/attach', 'pods/portforward'] },
      { group: '', resources: ['pods/proxy', 'services/proxy', 'nodes/proxy'] },
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
  const { rules = AUDIT_RULES, ...policy } = apiServer.audit.policy ?? { omitStages: ['RequestReceived'] };
  return secretly({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...policy, rules }, toYaml);
}

/** The log, and whatever else gets it. */
export function audit(cluster: Cluster): Audit {
  const { enabled, directory: folder, webhook, ...log } = cluster.apiServer.audit;
  if (!enabled) return { resources: [], flags: {}, folder: '' };
  const reads = readableBy(USERS.apiServer);
  return {
    folder,
    resources: [
      ...(folder.startsWith(`${LOGS}/`) ? [directory(LOGS)] : []),
      directory(folder, { mode: '0700', owner: USERS.apiServer, group: USERS.apiServer }),
      file(API_SERVER_FILES.auditPolicy, auditPolicy(cluster), reads),
      ...(webhook === undefined ? [] : [file(API_SERVER_FILES.auditWebhook, kubeconfig(webhook.kubeconfig), reads)]),
    ],
    flags: {
      'audit-policy-file': API_SERVER_FILES.auditPolicy,
      'audit-log-path': `${folder}/audit.log`,
      'audit-log-maxage': log.maxAge,
      'audit-log-maxbackup': log.maxBackup,
      'audit-log-maxsize': log.maxSize,
      'audit-log-compress': log.compress ? true : undefined,
      'audit-log-mode': log.mode === 'blocking' ? undefined : log.mode,
      'audit-webhook-config-file': webhook && API_SERVER_FILES.auditWebhook,
      'audit-webhook-mode': webhook?.mode,
    },
  };
}

const LOGS = '/var/log/kubernetes';

/** A kubeconfig holds what its owner logs in with: a secret, wherever that came from. */
function kubeconfig(given: Readonly<Record<string, unknown>>): Secret {
  const text = secretly({ apiVersion: 'v1', kind: 'Config', ...given }, toYaml);
  return text instanceof Secret ? text : new Secret(text, 'apiServer.audit.webhook.kubeconfig');
}
