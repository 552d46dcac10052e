import { ADMINS } from '../../cluster/access.ts';
import { PATHS, USERS } from '../../core/paths.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { CertificateResource, Subject } from '../../resources/types.ts';
import { leaf, named, pair, unique, type WantedLeaf } from './leaf.ts';
import { LEAVES, NAMES } from './names.ts';

/** Clients of the local API server; their own health ports, on loopback, would otherwise make up a certificate at each start. */
export function controllerLeaves(cluster: Cluster, host: Host): CertificateResource[] {
  const server = {
    authority: 'clusterAuthority',
    usages: ['server'],
    dns: unique([host.name, 'localhost']),
    ip: ['127.0.0.1'],
  } satisfies Partial<WantedLeaf>;
  const client = { authority: 'clusterAuthority', usages: ['client'] } satisfies Partial<WantedLeaf>;
  const manager = { owner: USERS.controllerManager, subject: named('system:kube-controller-manager') };
  const scheduler = { owner: USERS.scheduler, subject: named('system:kube-scheduler') };
  return [
    pair(cluster, LEAVES.controllerManager, { ...client, ...manager }),
    pair(cluster, LEAVES.controllerManagerServer, { ...server, ...manager, subject: named('kube-controller-manager') }),
    pair(cluster, LEAVES.scheduler, { ...client, ...scheduler }),
    pair(cluster, LEAVES.schedulerServer, { ...server, ...scheduler, subject: named('kube-scheduler') }),
  ];
}

/** Bound by RBAC, so that it can be unbound. Nothing in system:masters, which can't be, lies on any host. */
export function adminLeaves(cluster: Cluster): CertificateResource[] {
  const common = { authority: 'clusterAuthority', owner: 'root', usages: ['client'] } satisfies Partial<WantedLeaf>;
  return [
    leaf(cluster, PATHS.adminCert, PATHS.adminKey, {
      ...common,
      subject: { CN: ADMINS.user, O: [NAMES.adminGroup] },
    }),
  ];
}

export function nodeLeaves(cluster: Cluster, host: Host): CertificateResource[] {
  const node: Subject = { CN: `system:node:${host.name}`, O: ['system:nodes'] };
  const common = { authority: 'clusterAuthority', owner: 'root' } as const;
  return [
    leaf(cluster, PATHS.kubeletClient, PATHS.kubeletClient, {
      ...common,
      subject: node,
      usages: ['client'],
      rotatedBy: 'kubelet',
    }),
    leaf(cluster, PATHS.kubeletServerCert, PATHS.kubeletServerKey, {
      ...common,
      subject: node,
      usages: ['server'],
      dns: [host.name],
      ip: [host.internalAddress],
    }),
    ...(cluster.kubeProxy.enabled
      ? [pair(cluster, LEAVES.kubeProxy, { ...common, subject: named('system:kube-proxy'), usages: ['client'] })]
      : []),
  ];
}
