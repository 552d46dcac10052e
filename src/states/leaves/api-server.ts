import { isAddress } from '../../core/address.ts';
import { nthAddress } from '../../core/ipv4.ts';
import { USERS } from '../../core/paths.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { CertificateResource } from '../../resources/types.ts';
import { leaf, named, pair, unique, type WantedLeaf } from './leaf.ts';
import { HAPROXY_ENDPOINT_PEM, HAPROXY_FRONT_PROXY_PEM, LEAVES, NAMES } from './names.ts';

/** Names under which clients reach an API server: in the cluster, at the endpoint, and on the host itself. */
function apiServerNames(cluster: Cluster, host: Host): { dns: string[]; ip: string[] } {
  const { endpoint, network } = cluster;
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${network.domain}`,
  ];
  const own = [
    ...service,
    'localhost',
    '127.0.0.1',
    nthAddress(network.serviceCidr, 1),
    host.name,
    host.internalAddress,
    host.address,
  ];
  const all = unique([...own, endpoint.address, ...endpoint.names]);
  return { dns: all.filter((name) => !isAddress(name)), ip: all.filter(isAddress) };
}

export function apiServerLeaves(cluster: Cluster, host: Host): CertificateResource[] {
  const owner = USERS.apiServer;
  const client = { owner, usages: ['client'] } satisfies Partial<WantedLeaf>;
  return [
    pair(cluster, LEAVES.apiServer, {
      authority: 'clusterAuthority',
      owner,
      subject: named('kube-apiserver'),
      usages: ['server'],
      ...apiServerNames(cluster, host),
    }),
    pair(cluster, LEAVES.apiServerEtcdClient, {
      ...client,
      authority: 'etcdAuthority',
      subject: named('kube-apiserver-etcd-client'),
    }),
    pair(cluster, LEAVES.apiServerKubeletClient, {
      ...client,
      authority: 'clusterAuthority',
      subject: named(NAMES.kubeletClient),
    }),
    pair(cluster, LEAVES.apiServerFrontProxy, {
      ...client,
      authority: 'frontProxyAuthority',
      subject: named(NAMES.frontProxyClient),
    }),
  ];
}

export function haproxyLeaves(cluster: Cluster, host: Host): CertificateResource[] {
  return [
    leaf(cluster, HAPROXY_ENDPOINT_PEM, HAPROXY_ENDPOINT_PEM, {
      authority: 'clusterAuthority',
      owner: 'root',
      subject: named('kubernetes-endpoint'),
      usages: ['server'],
      ...apiServerNames(cluster, host),
    }),
    leaf(cluster, HAPROXY_FRONT_PROXY_PEM, HAPROXY_FRONT_PROXY_PEM, {
      authority: 'frontProxyAuthority',
      owner: 'root',
      subject: named(NAMES.haproxyFrontProxy),
      usages: ['client'],
    }),
  ];
}
