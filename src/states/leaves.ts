import { hasHaproxy } from '../cluster/endpoint.ts';
import { isIpv4, nthAddress } from '../core/ipv4.ts';
import { PATHS, SECRETS, USERS } from '../core/paths.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import type { CertificateResource, Subject } from '../resources/types.ts';

/** Common names that other stages allow or bind. */
export const NAMES = {
  kubeletClient: 'kube-apiserver-kubelet-client',
  frontProxyClient: 'front-proxy-client',
  /** HAProxy's, in `tls: terminate`. */
  haproxyFrontProxy: 'mcpk-haproxy',
  adminGroup: 'mcpk:cluster-admins',
} as const;

/** Leaves that one service reads, by path: certificate `.crt` and key `.key` beside it. */
export const LEAVES = {
  etcdServer: `${PATHS.etcdPki}/server`,
  etcdPeer: `${PATHS.etcdPki}/peer`,
  apiServer: `${PATHS.apiServer}/server`,
  apiServerEtcdClient: `${PATHS.apiServer}/etcd-client`,
  apiServerKubeletClient: `${PATHS.apiServer}/kubelet-client`,
  apiServerFrontProxy: `${PATHS.apiServer}/front-proxy-client`,
  controllerManager: `${PATHS.controllerManager}/client`,
  controllerManagerServer: `${PATHS.controllerManager}/server`,
  scheduler: `${PATHS.scheduler}/client`,
  schedulerServer: `${PATHS.scheduler}/server`,
  kubeProxy: `${PATHS.kubeProxy}/client`,
} as const;

export const HAPROXY_ENDPOINT_PEM = `${PATHS.haproxyPki}/endpoint.pem`;
export const HAPROXY_FRONT_PROXY_PEM = `${PATHS.haproxyPki}/front-proxy-client.pem`;

type Authority = 'clusterAuthority' | 'etcdAuthority' | 'frontProxyAuthority';

interface LeafWish {
  authority: Authority;
  subject: Subject;
  usages: CertificateResource['usages'];
  owner: string;
  dns?: string[];
  ip?: string[];
  rotatedBy?: string;
}

/** All leaves of one host, by its roles. */
export function leavesOf(cluster: Cluster, host: Host): CertificateResource[] {
  const master = host.roles.includes('master');
  const node = master || host.roles.includes('worker');
  return [
    ...(host.roles.includes('etcd') ? etcdLeaves(cluster, host) : []),
    ...(master ? [...apiServerLeaves(cluster, host), ...controllerLeaves(cluster, host), ...adminLeaves(cluster)] : []),
    ...(master && hasHaproxy(cluster) && cluster.endpoint.tls === 'terminate' ? haproxyLeaves(cluster, host) : []),
    ...(node ? nodeLeaves(cluster, host) : []),
  ];
}

function etcdLeaves(cluster: Cluster, host: Host): CertificateResource[] {
  const names = { dns: unique([host.name, 'localhost']), ip: unique(['127.0.0.1', host.internalAddress]) };
  const common = { authority: 'etcdAuthority', owner: USERS.etcd, ...names } as const;
  return [
    // etcd's own gateway dials itself with the server certificate, so it must do as a client's too.
    pair(cluster, LEAVES.etcdServer, { ...common, subject: named(host.name), usages: ['server', 'client'] }),
    pair(cluster, LEAVES.etcdPeer, { ...common, subject: named(host.name), usages: ['server', 'client'] }),
    leaf(cluster, PATHS.etcdHealthCert, PATHS.etcdHealthKey, {
      authority: 'etcdAuthority',
      owner: 'root',
      subject: named('mcpk-healthcheck'),
      usages: ['client'],
    }),
  ];
}

/** Names under which clients reach an API server: in the cluster, at the endpoint, and on the host itself. */
export function apiServerNames(cluster: Cluster, host: Host): { dns: string[]; ip: string[] } {
  const { endpoint, network } = cluster;
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${network.domain}`];
  const own = [...service, 'localhost', '127.0.0.1', nthAddress(network.serviceCidr, 1), host.name, host.internalAddress, host.address];
  const all = unique([...own, endpoint.address, ...endpoint.names]);
  return { dns: all.filter((name) => !isIpv4(name)), ip: all.filter(isIpv4) };
}

function apiServerLeaves(cluster: Cluster, host: Host): CertificateResource[] {
  const owner = USERS.apiServer;
  const client = { owner, usages: ['client'] } satisfies Partial<LeafWish>;
  return [
    pair(cluster, LEAVES.apiServer, {
      authority: 'clusterAuthority',
      owner,
      subject: named('kube-apiserver'),
      usages: ['server'],
      ...apiServerNames(cluster, host),
    }),
    pair(cluster, LEAVES.apiServerEtcdClient, { ...client, authority: 'etcdAuthority', subject: named('kube-apiserver-etcd-client') }),
    pair(cluster, LEAVES.apiServerKubeletClient, { ...client, authority: 'clusterAuthority', subject: named(NAMES.kubeletClient) }),
    pair(cluster, LEAVES.apiServerFrontProxy, { ...client, authority: 'frontProxyAuthority', subject: named(NAMES.frontProxyClient) }),
  ];
}

/** Clients of the local API server; their own health ports, on loopback, would otherwise make up a certificate at each start. */
function controllerLeaves(cluster: Cluster, host: Host): CertificateResource[] {
  const server = {
    authority: 'clusterAuthority',
    usages: ['server'],
    dns: unique([host.name, 'localhost']),
    ip: ['127.0.0.1'],
  } satisfies Partial<LeafWish>;
  const client = { authority: 'clusterAuthority', usages: ['client'] } satisfies Partial<LeafWish>;
  const manager = { owner: USERS.controllerManager, subject: named('system:kube-controller-manager') };
  const scheduler = { owner: USERS.scheduler, subject: named('system:kube-scheduler') };
  return [
    pair(cluster, LEAVES.controllerManager, { ...client, ...manager }),
    pair(cluster, LEAVES.controllerManagerServer, { ...server, ...manager, subject: named('kube-controller-manager') }),
    pair(cluster, LEAVES.scheduler, { ...client, ...scheduler }),
    pair(cluster, LEAVES.schedulerServer, { ...server, ...scheduler, subject: named('kube-scheduler') }),
  ];
}

/** The admin is bound by RBAC and can be unbound; break-glass (system:masters) can't, and never leaves the masters. */
function adminLeaves(cluster: Cluster): CertificateResource[] {
  const common = { authority: 'clusterAuthority', owner: 'root', usages: ['client'] } satisfies Partial<LeafWish>;
  return [
    leaf(cluster, PATHS.adminCert, PATHS.adminKey, { ...common, subject: { CN: 'kubernetes-admin', O: [NAMES.adminGroup] } }),
    leaf(cluster, PATHS.apiCert, PATHS.apiKey, { ...common, subject: { CN: 'mcpk-break-glass', O: ['system:masters'] } }),
  ];
}

function haproxyLeaves(cluster: Cluster, host: Host): CertificateResource[] {
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

function nodeLeaves(cluster: Cluster, host: Host): CertificateResource[] {
  const node: Subject = { CN: `system:node:${host.name}`, O: ['system:nodes'] };
  const common = { authority: 'clusterAuthority', owner: 'root' } as const;
  return [
    leaf(cluster, PATHS.kubeletClient, PATHS.kubeletClient, { ...common, subject: node, usages: ['client'], rotatedBy: 'kubelet' }),
    leaf(cluster, PATHS.kubeletServerCert, PATHS.kubeletServerKey, {
      ...common,
      subject: node,
      usages: ['server'],
      dns: [host.name],
      ip: [host.internalAddress],
    }),
    ...(cluster.kubeProxy.enabled ? [pair(cluster, LEAVES.kubeProxy, { ...common, subject: named('system:kube-proxy'), usages: ['client'] })] : []),
  ];
}

function pair(cluster: Cluster, base: string, wish: LeafWish): CertificateResource {
  return leaf(cluster, `${base}.crt`, `${base}.key`, wish);
}

function leaf(cluster: Cluster, path: string, keyPath: string, wish: LeafWish): CertificateResource {
  const { leafDays: days, renewBeforeDays, keyAlgorithm } = cluster.certificates;
  const { authority, subject, usages, owner, dns = [], ip = [], rotatedBy } = wish;
  return {
    kind: 'certificate',
    path,
    keyPath,
    authority: SECRETS[authority],
    subject,
    dns,
    ip,
    usages,
    days,
    renewBeforeDays,
    keyAlgorithm,
    owner,
    group: owner,
    ...(rotatedBy === undefined ? {} : { rotatedBy }),
  };
}

function named(CN: string): Subject {
  return { CN, O: [] };
}

function unique(all: readonly string[]): string[] {
  return [...new Set(all)];
}
