import { secretly, type Secret } from '../../core/secret.ts';
import { toYaml } from '../../render/formats.ts';
import type { Cluster } from '../../inventory/types.ts';

/** Nobody's requests are let through to the health paths alone: HAProxy and the gates ask those. */
export function authenticationConfig({ apiServer }: Cluster): string | Secret {
  const { jwt } = apiServer.authentication;
  const configuration = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthenticationConfiguration',
    ...(jwt.length > 0 ? { jwt } : {}),
    anonymous: { enabled: true, conditions: ['/livez', '/readyz', '/healthz'].map((path) => ({ path })) },
  };
  return secretly(configuration, toYaml);
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
