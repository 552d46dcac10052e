import type { Facts, HostFacts, IpPool, NodeFacts, ServiceAddresses } from '../cluster/facts.ts';
import { askApi } from '../cluster/api-server.ts';
import { ETCDCTL } from '../cluster/etcd.ts';
import { parseJson } from '../cluster/http.ts';
import { askIpPools, parseIpPools } from '../cluster/ip-pools.ts';
import { askServices, parseServices } from '../cluster/services.ts';
import { understood } from '../core/answer.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import type { SessionRecord } from '../transport/types.ts';
import type { Fleet } from './fleet.ts';
import { ask } from './ask.ts';
import { decodeFacts, encodeFacts } from './wire-facts.ts';

/** Reads every host's facts, and the cluster's from the first master whose API server answers. */
export async function gather(
  fleet: Fleet,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<Facts & { apiHost?: string }> {
  const hosts = new Map<string, HostFacts>();
  const masters = hostsWith(cluster, 'master').filter((host) => fleet.sessions.has(host.name));
  const [first, ...rest] = masters.map((host) => host.name);
  const everyHost = [...fleet.sessions.keys()].map(async (name) => {
    hosts.set(name, await hostFacts(fleet, cluster, name, signal));
  });
  // With the facts, in one round trip: most clusters are there, and the first master answers.
  const asked = readNodes(fleet, cluster, first === undefined ? [] : [first], signal);
  const [answered] = await Promise.all([asked, ...everyHost]);
  const inOrder = new Map(
    cluster.hosts.flatMap((host) => {
      const facts = hosts.get(host.name);
      return facts ? [[host.name, facts] as const] : [];
    }),
  );
  const others = rest.filter((name) => hosts.get(name)?.ports.includes(cluster.apiServer.port));
  const api = answered ?? (await readNodes(fleet, cluster, others, signal));
  return {
    hosts: inOrder,
    unreachable: [...fleet.unreachable.keys()],
    etcd: api ? 'formed' : await etcdPhase(fleet, cluster, inOrder, signal),
    ...(api ? { nodes: api.nodes, services: api.services, apiHost: api.host } : {}),
    ...(api?.ipPools ? { ipPools: api.ipPools } : {}),
  };
}

async function hostFacts(fleet: Fleet, cluster: Cluster, host: string, signal: AbortSignal): Promise<HostFacts> {
  const records: SessionRecord[] = [];
  const sentAt = Date.now();
  const exitCode = await fleet.request(
    host,
    'probe',
    encodeFacts({ etcdData: cluster.etcd.dataDirectory }),
    (record) => records.push(record),
    signal,
  );
  const reception = { host, vip: cluster.endpoint.address, sentAt, receivedAt: Date.now() };
  return understood(host, () => {
    if (exitCode !== 0) throw new Error(`the probe ended with ${String(exitCode)}`);
    return decodeFacts(records, reception);
  });
}

interface ApiFacts {
  host: string;
  nodes: ReadonlyMap<string, NodeFacts>;
  services: ServiceAddresses;
  /** Only Calico has any. */
  ipPools: IpPool[] | undefined;
}

/** The nodes as the API server of the first of these masters that answers tells them. */
export async function readNodes(
  fleet: Fleet,
  cluster: Cluster,
  masters: readonly string[],
  signal: AbortSignal,
): Promise<ApiFacts | undefined> {
  for (const host of masters) {
    const asks = [askApi(cluster, host, '/api/v1/nodes'), askIpPools(cluster, host), ...askServices(cluster, host)];
    const [nodes, pools, ...services] = await ask(fleet, asks, signal);
    const list = parseJson(nodes) as NodeList | undefined;
    if (list)
      return understood(host, () => ({
        host,
        nodes: toNodes(list),
        ipPools: parseIpPools(pools),
        services: parseServices(services),
      }));
  }
  return undefined;
}

interface NodeList {
  items: {
    metadata: { name: string };
    spec: { podCIDR?: string };
    status: { conditions?: { type: string; status: string }[]; nodeInfo: { kubeletVersion: string } };
  }[];
}

function toNodes(list: NodeList): Map<string, NodeFacts> {
  return new Map(
    list.items.map((node) => [
      node.metadata.name,
      {
        name: node.metadata.name,
        ...(node.spec.podCIDR === undefined ? {} : { podCidr: node.spec.podCIDR }),
        ready: node.status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false,
        kubeletVersion: node.status.nodeInfo.kubeletVersion,
      },
    ]),
  );
}

/** formed = a quorum answers a read through one of the members. */
async function etcdPhase(
  fleet: Fleet,
  cluster: Cluster,
  facts: ReadonlyMap<string, HostFacts>,
  signal: AbortSignal,
): Promise<Facts['etcd']> {
  const members = hostsWith(cluster, 'etcd')
    .map((host) => host.name)
    .filter((name) => facts.get(name)?.etcdData);
  if (members.length === 0) return 'none';
  for (const host of members) {
    const [answer] = await fleet.exec(
      host,
      [{ argv: [...ETCDCTL, '--endpoints=https://127.0.0.1:2379', 'endpoint', 'health', '--command-timeout=3s'] }],
      signal,
    );
    if (answer?.exitCode === 0) return 'formed';
  }
  return 'forming';
}
