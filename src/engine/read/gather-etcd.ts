import { hostsWithData, phaseWithoutQuorum } from '../../cluster/etcd-phase.ts';
import { askEtcdHealth, askEtcdStatus, isHealthy } from '../../cluster/etcd.ts';
import type { EtcdMember, Facts } from '../../cluster/facts.ts';
import { askMembers, parseMembers, PATIENCE } from '../../cluster/members.ts';
import { understood } from '../../core/answer.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Reader } from '../hosts/reader.ts';

/** The members by the word of the first of these hosts that tells them; all are asked at once. */
export async function readMembers(reader: Reader, hosts: readonly string[]): Promise<EtcdMember[] | undefined> {
  const asks = hosts.flatMap((host) => [askMembers(host), askEtcdStatus(host, { patience: PATIENCE })]);
  const answers = await reader.ask(asks);
  for (const [index, host] of hosts.entries()) {
    const [list, status] = answers.slice(2 * index, 2 * index + 2);
    const members = understood(host, () => parseMembers(list, status));
    if (members) return members;
  }
  return undefined;
}

export interface EtcdSeen {
  reader: Reader;
  cluster: Cluster;
  hosts: Facts['hosts'];
  /** From the first host that has a member, which was asked along with the facts. */
  asked: EtcdMember[] | undefined;
  /** An API server answered, so a quorum did. */
  serves: boolean;
}

/**
 * Where the first host with a member told nothing, all others with data are asked for the members; where no API server
 * answers, all with data are asked whether they have a quorum.
 */
export async function etcdFacts({
  reader,
  cluster,
  hosts,
  asked,
  serves,
}: EtcdSeen): Promise<Pick<Facts, 'etcd' | 'members'>> {
  const withData = hostsWithData({ hosts });
  const [first] = firstMember(reader, cluster);
  const others = asked ? [] : withData.filter((name) => name !== first);
  const [told, healths] = await Promise.all([
    asked ?? (others.length > 0 ? readMembers(reader, others) : undefined),
    serves ? [] : reader.ask(withData.map(askEtcdHealth)),
  ]);
  const members = told ? { members: told } : {};
  if (serves || healths.some(isHealthy)) return { etcd: 'formed', ...members };
  return { etcd: phaseWithoutQuorum(cluster, { hosts, ...members }), ...members };
}

/** The first host with a member that is reached; as a list, empty where there is none. */
export function firstMember(reader: Reader, cluster: Cluster): string[] {
  return hostsWith(cluster, 'etcd')
    .map((host) => host.name)
    .filter((name) => reader.reaches(name))
    .slice(0, 1);
}
