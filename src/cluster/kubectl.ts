import { PATHS } from '../core/paths.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import type { Facts } from './facts.ts';
import type { Ask } from './gate.ts';

/** kubectl on a master, against its own API server, as the administrator that is bound by RBAC. */
export function kubectl(cluster: Cluster, host: string, ...args: string[]): Ask {
  return kubectlBy(PATHS.adminKubeconfig, cluster, host, args);
}

/** As {@link kubectl}, as whoever is named by a kubeconfig. */
export function kubectlBy(kubeconfig: string, cluster: Cluster, host: string, args: readonly string[]): Ask {
  const server = `https://127.0.0.1:${String(cluster.apiServer.port)}`;
  const common = [`--kubeconfig=${kubeconfig}`, `--server=${server}`, `--cache-dir=${PATHS.state}/kube-cache`];
  return { host, argv: [`${PATHS.bin}/kubectl`, ...common, ...args] };
}

/** The master that is asked: the first whose API server answered; where none did, the first that is reached. */
export function apiHost(cluster: Cluster, facts: Facts): string {
  if (facts.apiHost !== undefined) return facts.apiHost;
  const masters = hostsWith(cluster, 'master').map((host) => host.name);
  return masters.find((name) => facts.hosts.has(name)) ?? masters[0] ?? '';
}
