import { PATHS } from '../core/paths.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import type { Facts } from './facts.ts';
import type { Ask } from './gate.ts';

/** kubectl on a master, against its own API server, with the certificate that needs no RBAC binding. */
export function kubectl(host: string, ...args: string[]): Ask {
  return {
    host,
    argv: [
      `${PATHS.bin}/kubectl`,
      `--kubeconfig=${PATHS.apiKubeconfig}`,
      `--cache-dir=${PATHS.state}/kube-cache`,
      ...args,
    ],
  };
}

/** The master that is asked: the first that answered. */
export function apiHost(cluster: Cluster, facts: Facts): string {
  const masters = hostsWith(cluster, 'master').map((host) => host.name);
  return masters.find((name) => facts.hosts.has(name)) ?? masters[0] ?? '';
}
