import { hostsWithData, phaseWithoutQuorum } from '../../cluster/etcd-phase.ts';
import { askEtcdHealth, askEtcdStatus, isHealthy } from '../../cluster/etcd.ts';
import type { EtcdMember, Facts } from '../../cluster/facts.ts';
import { askMembers, parseMembers, PATIENCE } from '../../cluster/members.ts';
import { understood } from '../../core/answer.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import { ask } from '../hosts/ask.ts';
import type { Fleet } from '../hosts/fleet.ts';

/** The members by the word of the first of these hosts that tells them; all are asked at once. */
export async function readMembers(
  fleet: Fleet,
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<EtcdMember[] | undefined> {
  const asks = hosts.flatMap((host) => [askMembers(host), askEtcdStatus(host, { patience: PATIENCE })]);
  const answers = await ask(fleet, asks, signal);
  for (const [index, host] of hosts.entries()) {
    const [list, status] = answers.slice(2 * index, 2 * index + 2);
    const members = understood(host, () => parseMembers(list, status));
    if (members) return members;
  }
  return undefined;
}

export interface EtcdSeen {
  fleet: Fleet;
  cluster: Cluster;
  hosts: Facts['hosts'];
  signal: AbortSignal;
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
  fleet,
  cluster,
  hosts,
  signal,
  asked,
  serves,
}: EtcdSeen): Promise<Pick<Facts, 'etcd' | 'members'>> {
  const withData = hostsWithData({ hosts });
  const [first] = firstMember(fleet, cluster);
  const others = asked ? [] : withData.filter((name) => name !== first);
  const [told, healths] = await Promise.all([
    asked ?? (others.length > 0 ? readMembers(fleet, others, signal) : undefined),
    serves ? [] : ask(fleet, withData.map(askEtcdHealth), signal),
  ]);
  const members = told ? { members: told } : {};
  if (serves || healths.some(isHealthy)) return { etcd: 'formed', ...members };
  return { etcd: phaseWithoutQuorum(cluster, { hosts, ...members }), ...members };
}

/** The first host with a member that is reached; as a list, empty where there is none. */
export function firstMember(fleet: Fleet, cluster: Cluster): string[] {
  return hostsWith(cluster, 'etcd')
    .map((host) => host.name)
    .filter((name) => fleet.sessions.has(name))
    .slice(0, 1);
}
