import { askEtcdStatus, parseEtcdStatus } from '../../cluster/etcd.ts';
import { membersWithData } from '../../cluster/etcd-phase.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Answer, Ask } from '../../cluster/gate.ts';
import { PATHS } from '../../core/paths.ts';
import { upgradeProblems } from '../../core/versions.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Inquiry, InquiryContext, Problem } from '../stage.ts';

/** Steps between versions that etcd itself does not take, as far as the facts tell what runs. */
export function upgradesRefused(cluster: Cluster, { members = [] }: Facts): Problem[] {
  return members.flatMap(({ name, version }) => refusals(cluster, name, version));
}

/**
 * Every member is asked once the one that is known, or none, runs what is wanted. Where etcd is down, the executable
 * tells what ran last.
 */
export function upgradeInquiry({ cluster, facts }: InquiryContext): Inquiry | undefined {
  const { etcd, members = [] } = facts;
  const known = members.flatMap(({ version }) => version ?? []);
  const stays = known.length > 0 && known.every((version) => version === cluster.versions.etcd);
  if ((etcd !== 'formed' && etcd !== 'down') || stays) return undefined;
  const asks = membersWithData(cluster, facts).flatMap((host): Ask[] => [
    askEtcdStatus(host),
    { host, argv: [`${PATHS.bin}/etcd`, '--version'] },
  ]);
  return { asks, judge: (answers) => judge(cluster, answers) };
}

function judge(cluster: Cluster, answers: readonly Answer[]): Problem[] {
  const hosts = Map.groupBy(answers, (answer) => answer.host);
  return [...hosts].flatMap(([host, [status, executable]]) => {
    const onDisk = /^etcd Version: (\S+)/m.exec(executable?.stdout ?? '')?.[1];
    return refusals(cluster, host, parseEtcdStatus(status)?.version ?? onDisk);
  });
}

function refusals({ versions }: Cluster, host: string, from: string | undefined): Problem[] {
  if (from === undefined || from === '') return [];
  return upgradeProblems('etcd', from, versions.etcd).map(({ message, hint }) => ({
    host,
    message,
    hint,
    code: 'refused',
  }));
}
