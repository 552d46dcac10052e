import { parseForeignJson } from '../core/json.ts';
import { isMap } from '../core/merge.ts';

/** How mcpk's own administrator is let in: by a binding that can be taken away, and that each run sees to. */
export const ADMINS = {
  /** Names the ClusterRoleBinding, and the group in the certificates that it is about. */
  group: 'mcpk:cluster-admins',
  role: 'cluster-admin',
  /** Id of the binding's kubeObject. */
  binding: 'rbac.authorization.k8s.io/v1/ClusterRoleBinding//mcpk:cluster-admins',
  user: 'kubernetes-admin',
  /** Stage that lays the binding. */
  stage: 'api-access',
} as const;

/** Whether this ClusterRoleBinding, as it is in the API, lets {@link ADMINS} in. */
export function letsAdminsIn(json: string | undefined): boolean {
  const { roleRef, subjects } = parseForeignJson(json ?? '{}') as { roleRef?: unknown; subjects?: unknown };
  if (!isMap(roleRef) || roleRef['kind'] !== 'ClusterRole' || roleRef['name'] !== ADMINS.role) return false;
  return (
    Array.isArray(subjects) &&
    subjects.some((each) => isMap(each) && each['kind'] === 'Group' && each['name'] === ADMINS.group)
  );
}
