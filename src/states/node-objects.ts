import { McpkError } from '../core/errors.ts';
import type { Host } from '../inventory/types.ts';
import type { KubeObject } from './kube-objects.ts';

/** What `kubectl get nodes` shows as ROLES. */
const ROLE_LABELS = {
  master: 'node-role.kubernetes.io/control-plane',
  worker: 'node-role.kubernetes.io/worker',
} as const;

/** Role, labels and taints of a node: kubelet may not set the role's label itself (NodeRestriction). */
export function nodeObject(host: Host): KubeObject {
  const roles = (['master', 'worker'] as const).filter((role) => host.roles.includes(role));
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: host.name,
      labels: { ...Object.fromEntries(roles.map((role) => [ROLE_LABELS[role], ''])), ...host.labels },
    },
    ...(host.taints.length > 0 ? { spec: { taints: host.taints.map((text) => taint(text, host)) } } : {}),
  };
}

/** `key=value:Effect`, `key:Effect`. */
function taint(text: string, host: Host): Record<string, string> {
  const match = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(text);
  if (match === null)
    throw new McpkError('invalid', `${host.source}: taint "${text}" is not key=value:Effect`, { host: host.name });
  const [, key = '', value, effect = ''] = match;
  return { key, ...(value === undefined || value === '' ? {} : { value }), effect };
}
