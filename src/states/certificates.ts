import { ADMINS } from '../cluster/access.ts';
import { apiUrl, endpointUrl, localApiUrl } from '../cluster/endpoint.ts';
import { knownAuthority } from '../cluster/belonging.ts';
import { PATHS, SECRETS, USERS } from '../core/paths.ts';
import type { Facts } from '../cluster/facts.ts';
import { hostsWith, type Cluster, type Host } from '../inventory/types.ts';
import { kubeconfig } from '../render/kubeconfig.ts';
import type { ClusterRecordResource, FileResource } from '../resources/types.ts';
import { file, PRIVATE, privateTo } from './build.ts';
import { leavesOf } from './leaves.ts';
import { LEAVES } from './leaves/names.ts';
import { sharedSecretsOf, TRUST } from './secrets.ts';
import type { Stage } from './stage.ts';

export const CONTROLLER_MANAGER_KUBECONFIG = `${PATHS.controllerManager}/kubeconfig`;
export const SCHEDULER_KUBECONFIG = `${PATHS.scheduler}/kubeconfig`;

/** Authorities, leaves and the kubeconfigs that name them by path: no other file embeds a key. */
export const certificates: Stage = {
  name: 'certificates',
  title: 'Certificates',
  about:
    'authorities, certificates, the keys that masters share, the kubeconfigs that name them, and of which cluster a host is',
  hosts: (cluster) => cluster.hosts,
  needs: ['system'],
  states: ({ cluster, host, facts }) => [
    ...sharedSecretsOf(cluster, host),
    recordOf(cluster, facts),
    ...leavesOf(cluster, host, facts),
    ...kubeconfigsOf(cluster, host),
  ],
  rollout: holdersFirst,
};

/** Whose host it is, so that no inventory takes it for another cluster's. */
function recordOf(cluster: Cluster, facts: Facts): ClusterRecordResource {
  const known = knownAuthority(cluster, facts);
  return {
    kind: 'clusterRecord',
    cluster: cluster.name,
    authority: SECRETS.clusterAuthority,
    ...(known === undefined ? {} : { known }),
  };
}

/** A new authority is kept before anybody else has what it signed: a run may end at any moment. */
function holdersFirst(cluster: Cluster, _facts: Facts, changed: readonly string[]): string[][] {
  const masters = hostsWith(cluster, 'master').map((host) => host.name);
  return [changed.filter((host) => masters.includes(host)), changed.filter((host) => !masters.includes(host))];
}

interface Client {
  path: string;
  server: string;
  user: string;
  cert: string;
  key: string;
  /** Service that reads it; root when absent. */
  owner?: string;
}

function kubeconfigsOf(cluster: Cluster, host: Host): FileResource[] {
  const master = host.roles.includes('master');
  const node = master || host.roles.includes('worker');
  const clients = [...(master ? masterClients(cluster, host) : []), ...(node ? nodeClients(cluster, host) : [])];
  return clients.map((client) =>
    file(
      client.path,
      kubeconfig({
        name: cluster.name,
        server: client.server,
        certificateAuthority: { path: TRUST.cluster },
        user: client.user,
        clientCertificate: { path: client.cert },
        clientKey: { path: client.key },
      }),
      client.owner === undefined ? PRIVATE : privateTo(client.owner),
    ),
  );
}

function masterClients(cluster: Cluster, host: Host): Client[] {
  const local = localApiUrl(cluster, host);
  return [
    {
      path: PATHS.adminKubeconfig,
      server: endpointUrl(cluster),
      user: ADMINS.user,
      cert: PATHS.adminCert,
      key: PATHS.adminKey,
    },
    {
      path: CONTROLLER_MANAGER_KUBECONFIG,
      server: local,
      user: 'system:kube-controller-manager',
      ...pairAt(LEAVES.controllerManager),
      owner: USERS.controllerManager,
    },
    {
      path: SCHEDULER_KUBECONFIG,
      server: local,
      user: 'system:kube-scheduler',
      ...pairAt(LEAVES.scheduler),
      owner: USERS.scheduler,
    },
  ];
}

/** Services on a master use its own API server, those on a worker the endpoint (as the MCP formulas have it). */
function nodeClients(cluster: Cluster, host: Host): Client[] {
  const server = apiUrl(cluster, host);
  const kubelet = { cert: PATHS.kubeletClient, key: PATHS.kubeletClient };
  return [
    { path: PATHS.kubeletKubeconfig, server, user: `system:node:${host.name}`, ...kubelet },
    ...(cluster.kubeProxy.enabled
      ? [{ path: PATHS.kubeProxyKubeconfig, server, user: 'system:kube-proxy', ...pairAt(LEAVES.kubeProxy) }]
      : []),
  ];
}

function pairAt(base: string): { cert: string; key: string } {
  return { cert: `${base}.crt`, key: `${base}.key` };
}
