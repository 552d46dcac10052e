import type { Facts, HostFacts, IpPool, NodeFacts, ServiceAddresses } from '../../cluster/facts.ts';
import { cordonOf } from '../../cluster/cordon.ts';
import { askApi } from '../../cluster/api-server.ts';
import { containerdRoot } from '../../core/containerd-root.ts';
import { etcdLog } from '../../cluster/etcd-folders.ts';
import { hasVip } from '../../cluster/endpoint.ts';
import { parseHttp, parseJson } from '../../cluster/http.ts';
import { askIpPools, parseIpPools } from '../../cluster/ip-pools.ts';
import { askApiServers, askServices, parseApiServers, parseServices } from '../../cluster/services.ts';
import { understood, understoodInTurns, unreadable } from '../../core/answer.ts';
import { contactable, hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Answer, Ask } from '../../cluster/gate.ts';
import type { SessionRecord } from '../../transport/types.ts';
import type { Fleet } from '../hosts/fleet.ts';
import { readerOf, type Reader } from '../hosts/reader.ts';
import { decodingFacts, encodeFacts } from '../wire/wire-facts.ts';
import { etcdFacts, firstMember, readMembers } from './gather-etcd.ts';

/** Reads every host's facts, and the cluster's from the first master whose API server answers. */
export async function gather(fleet: Fleet, cluster: Cluster, signal: AbortSignal): Promise<Facts> {
  const reader = readerOf(fleet, signal);
  const masters = hostsWith(cluster, 'master').filter((host) => reader.reaches(host.name));
  const [first, ...rest] = masters.map((host) => host.name);
  // With the facts, in one round trip: most clusters are there, and the first master answers.
  const asked = readNodes(reader, cluster, first === undefined ? [] : [first]);
  const askedMembers = readMembers(reader, firstMember(reader, cluster));
  const [answered, members, { hosts, unreachable }] = await Promise.all([
    asked,
    askedMembers,
    gatherHosts(fleet, cluster, signal),
  ]);
  const others = rest.filter((name) => hosts.get(name)?.ports.includes(cluster.apiServer.port));
  const second = answered.api ? answered : await readNodes(reader, cluster, others);
  const { api } = second;
  const apiRefuses = answered.refusedBy ?? second.refusedBy;
  return {
    hosts,
    unreachable,
    ...(await etcdFacts({ reader, cluster, hosts, asked: members, serves: api !== undefined })),
    ...(api ? { nodes: api.nodes, services: api.services, apiHost: api.host } : {}),
    ...(api?.ipPools ? { ipPools: api.ipPools } : {}),
    ...(api?.apiServers ? { apiServers: api.apiServers } : {}),
    ...(api === undefined && apiRefuses !== undefined ? { apiRefuses } : {}),
  };
}

/** What each host of the fleet tells, in the inventory's order. */
export async function gatherHosts(
  fleet: Fleet,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<Pick<Facts, 'hosts' | 'unreachable'>> {
  const names = contactable(cluster)
    .map((host) => host.name)
    .filter((name) => fleet.sessions.has(name));
  const hosts = names.map(async (name) => [name, await hostFacts(fleet, cluster, name, signal)] as const);
  return { hosts: new Map(await Promise.all(hosts)), unreachable: [...fleet.unreachable.keys()] };
}

async function hostFacts(fleet: Fleet, cluster: Cluster, host: string, signal: AbortSignal): Promise<HostFacts> {
  const records: SessionRecord[] = [];
  const root = containerdRoot(cluster);
  const sentAt = Date.now();
  const exitCode = await fleet.request(
    host,
    'probe',
    encodeFacts({ etcdLog: etcdLog(cluster), containerdRoot: root }),
    (record) => records.push(record),
    signal,
  );
  const vip = hasVip(cluster) ? { vip: cluster.endpoint.address } : {};
  const reception = { host, ...vip, containerdRoot: root, sentAt, receivedAt: Date.now() };
  if (exitCode !== 0) throw unreadable(host, new Error(`the probe ended with ${String(exitCode)}`));
  return understoodInTurns(host, decodingFacts(records, reception));
}

interface ApiFacts {
  host: string;
  nodes: ReadonlyMap<string, NodeFacts>;
  services: ServiceAddresses;
  /** Only Calico has any. */
  ipPools: IpPool[] | undefined;
  apiServers: string[] | undefined;
}

interface ApiAnswer {
  api?: ApiFacts;
  /** The first master whose API server answered that we may not read nodes. */
  refusedBy?: string;
}

/** The nodes as the API server of the first of these masters that answers tells them. */
export async function readNodes(reader: Reader, cluster: Cluster, masters: readonly string[]): Promise<ApiAnswer> {
  let refusedBy: string | undefined;
  for (const host of masters) {
    const page = (more = ''): Ask => askApi(cluster, host, `/api/v1/nodes?limit=${String(PAGE)}${more}`);
    const [first, pools, servers, ...services] = await reader.ask([
      page(),
      askIpPools(cluster, host),
      askApiServers(cluster, host),
      ...askServices(cluster, host),
    ]);
    const pages = [understood(host, () => parseJson(first)) as NodeList | undefined];
    for (let next = continued(pages[0]); next !== undefined; next = continued(pages.at(-1))) {
      const [answer] = await reader.ask([page(`&continue=${encodeURIComponent(next)}`)]);
      pages.push(understood(host, () => parseJson(answer)) as NodeList | undefined);
    }
    const lists = pages.filter((list) => list !== undefined);
    if (lists.length === pages.length) {
      const known = await understoodInTurns(host, decodingApi({ lists, pools, servers, services }));
      return { api: { host, ...known } };
    }
    if (parseHttp(first)?.status === 403) refusedBy ??= host;
  }
  return refusedBy === undefined ? {} : { refusedBy };
}

interface ApiAnswers {
  lists: readonly NodeList[];
  pools: Answer | undefined;
  servers: Answer | undefined;
  services: readonly Answer[];
}

function* decodingApi({ lists, pools, servers, services }: ApiAnswers): Generator<undefined, Omit<ApiFacts, 'host'>> {
  const nodes = new Map<string, NodeFacts>();
  for (const list of lists) {
    yield;
    for (const [name, node] of toNodes(list)) nodes.set(name, node);
  }
  yield;
  const ipPools = parseIpPools(pools);
  yield;
  const apiServers = parseApiServers(servers);
  yield;
  return { nodes, ipPools, apiServers, services: parseServices(services) };
}

/** Nodes in one answer: with all that they tell of images each has some 20 kB, and one answer is read in one go. */
const PAGE = 250;

function continued(list: NodeList | undefined): string | undefined {
  const token = list?.metadata?.continue;
  return typeof token === 'string' && token !== '' ? token : undefined;
}

interface NodeList {
  metadata?: { continue?: unknown };
  items: {
    metadata: { name: string; annotations?: unknown };
    spec: { podCIDR?: string; unschedulable?: unknown };
    status: { conditions?: { type: string; status: string }[]; nodeInfo: { kubeletVersion: string } };
  }[];
}

function cordonFacts({ metadata, spec }: NodeList['items'][number]): Pick<NodeFacts, 'cordoned'> {
  const cordoned = cordonOf(spec, metadata.annotations);
  return cordoned === undefined ? {} : { cordoned };
}

function toNodes(list: NodeList): Map<string, NodeFacts> {
  return new Map(
    list.items.map((node) => [
      node.metadata.name,
      {
        ...cordonFacts(node),
        name: node.metadata.name,
        ...(node.spec.podCIDR === undefined ? {} : { podCidr: node.spec.podCIDR }),
        ready: node.status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false,
        kubeletVersion: node.status.nodeInfo.kubeletVersion,
      },
    ]),
  );
}
