import { ADMINS } from '../cluster/access.ts';
import { hostsWith } from '../inventory/types.ts';
import type { KubeObjectResource } from '../resources/types.ts';
import { owned } from './kube-objects.ts';
import { NAMES } from './leaves/names.ts';
import type { Stage } from './stage.ts';

/** What mcpk's own clients may do; upstream's bootstrap roles do the rest. */
export const apiAccess: Stage = {
  name: ADMINS.stage,
  title: 'Access to the API',
  about:
    'binds the administrator that mcpk works as, the API servers as clients of kubelets, and kubelets that renew their own certificate',
  hosts: (cluster) => hostsWith(cluster, 'master'),
  api: true,
  needs: ['api-server'],
  states: () => [
    // The first run lays it with a break-glass certificate: engine/work/break-glass.ts.
    binding(ADMINS.group, ADMINS.role, { kind: 'Group', name: ADMINS.group }),
    binding('mcpk:kubelet-api-admin', 'system:kubelet-api-admin', { kind: 'User', name: NAMES.kubeletClient }),
    // A kubelet renews its own client certificate; nobody but itself, and nobody joins by this.
    binding('mcpk:node-client-renewal', 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', {
      kind: 'Group',
      name: 'system:nodes',
    }),
  ],
};

function binding(name: string, role: string, subject: { kind: 'Group' | 'User'; name: string }): KubeObjectResource {
  const apiGroup = 'rbac.authorization.k8s.io';
  return owned(
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup, kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup, ...subject }],
    },
    'api-access',
  );
}
