import { hasHaproxy } from '../cluster/endpoint.ts';
import type { Facts } from '../cluster/facts.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import type { CertificateResource } from '../resources/types.ts';
import { apiServerLeaves, haproxyLeaves } from './leaves/api-server.ts';
import { adminLeaves, controllerLeaves, nodeLeaves } from './leaves/clients.ts';
import { etcdLeaves } from './leaves/etcd.ts';

/** All leaves of one host, by its roles. */
export function leavesOf(cluster: Cluster, host: Host, facts: Facts): CertificateResource[] {
  const master = host.roles.includes('master');
  const node = master || host.roles.includes('worker');
  return [
    ...(host.roles.includes('etcd') ? etcdLeaves(cluster, host, facts) : []),
    ...(master ? [...apiServerLeaves(cluster, host), ...controllerLeaves(cluster, host), ...adminLeaves(cluster)] : []),
    ...(master && hasHaproxy(cluster) && cluster.endpoint.tls === 'terminate' ? haproxyLeaves(cluster, host) : []),
    ...(node ? nodeLeaves(cluster, host) : []),
  ];
}
