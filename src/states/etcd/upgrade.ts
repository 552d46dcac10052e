import { askEtcdStatus, parseEtcdStatus } from '../../cluster/etcd.ts';
import { membersWithData } from '../../cluster/etcd-phase.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Answer, Ask } from '../../cluster/gate.ts';
import { PATHS } from '../../core/paths.ts';
import { versionSaid } from '../../core/services.ts';
import { upgradeProblems } from '../../core/versions.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Inquiry, InquiryContext, Problem } from '../stage.ts';

/** Steps between versions that etcd itself does not take, as far as the facts tell what runs. */
export function upgradesRefused(cluster: Cluster, { hosts, members = [] }: Facts): Problem[] {
  const processes = [...hosts].flatMap(([name, { runs }]) => refusals(cluster, name, runs.etcd));
  const others = members.filter(({ name }) => hosts.get(name)?.runs.etcd === undefined);
  return [...processes, ...others.flatMap(({ name, version }) => refusals(cluster, name, version))];
}

/**
 * Members whose process nobody saw are asked, once the one that is known, or none, runs what is wanted. Where etcd is
 * down, the executable tells what ran last.
 */
export function upgradeInquiry({ cluster, facts }: InquiryContext): Inquiry | undefined {
  const { etcd, members = [] } = facts;
  const known = members.flatMap(({ version }) => version ?? []);
  const stays = known.length > 0 && known.every((version) => version === cluster.versions.etcd);
  if ((etcd !== 'formed' && etcd !== 'down') || stays) return undefined;
  const unseen = membersWithData(cluster, facts).filter((host) => facts.hosts.get(host)?.runs.etcd === undefined);
  const asks = unseen.flatMap((host): Ask[] => [
    askEtcdStatus(host),
    { host, argv: [`${PATHS.bin}/etcd`, '--version'] },
  ]);
  if (asks.length === 0) return undefined;
  return { asks, judge: (answers) => judge(cluster, answers) };
}

function judge(cluster: Cluster, answers: readonly Answer[]): Problem[] {
  const hosts = Map.groupBy(answers, (answer) => answer.host);
  return [...hosts].flatMap(([host, [status, executable]]) => {
    const onDisk = versionSaid(executable?.stdout ?? '');
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
