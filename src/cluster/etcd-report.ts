import { understood } from '../core/answer.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import { ageOf, askBackup, parseBackup } from './etcd-backup.ts';
import { askEtcd, askEtcdHealth, askEtcdStatus, isHealthy, parseEtcdStatus, type EtcdStatus } from './etcd.ts';
import type { EtcdReport, MemberReport } from './facts.ts';
import type { Answer, Ask } from './gate.ts';
import { parseJson, seen } from './http.ts';
import { askMembers, PATIENCE } from './members.ts';

/** Of one host, in this order. */
interface Asked {
  host: string;
  members: Answer | undefined;
  alarms: Answer | undefined;
  status: Answer | undefined;
  health: Answer | undefined;
  backup: Answer | undefined;
}

export interface EtcdQuestions {
  asks: Ask[];
  /** Undefined when no member tells who the members are. */
  read(answers: readonly Answer[]): EtcdReport | undefined;
}

/** All that is to be known of etcd, in one round trip to each of these hosts. Others are taken for away. */
export function etcdQuestions(cluster: Cluster, hosts: readonly Host[]): EtcdQuestions {
  const each = hosts.map(({ name }) => ({ name, asks: asksOf(name, cluster) }));
  return {
    asks: each.flatMap(({ asks }) => asks),
    read(answers) {
      const left = [...answers];
      const asked = each.map(({ name, asks }): Asked => {
        const [members, alarms, status, health, backup] = left.splice(0, asks.length);
        return { host: name, members, alarms, status, health, backup };
      });
      return report(cluster, asked);
    },
  };
}

function asksOf(host: string, cluster: Cluster): Ask[] {
  const backup = askBackup(host, cluster);
  return [
    askMembers(host),
    askEtcd(host, '/v3/maintenance/alarm', { patience: PATIENCE }),
    askEtcdStatus(host, { patience: PATIENCE }),
    askEtcdHealth(host),
    ...(backup ? [backup] : []),
  ];
}

interface Listed {
  ID: string;
  name: string;
  peerURLs: string[];
  isLearner: boolean;
}

function report(cluster: Cluster, asked: readonly Asked[]): EtcdReport | undefined {
  const statuses = new Map(
    asked.flatMap(({ host, status }) => {
      const known = understood(host, () => parseEtcdStatus(status));
      return known ? [[host, known] as const] : [];
    }),
  );
  const told = asked.flatMap(({ host, members }) => understood(host, () => parseList(members)) ?? [])[0];
  if (told === undefined) return undefined;
  const places = new Map(cluster.hosts.map(({ name }, place) => [name, place]));
  const placeOf = ({ host }: MemberReport): number => places.get(host ?? '') ?? places.size;
  // etcd tells its members in the order of their ids, which are random and others after each restore.
  const members = told
    .map((member) => memberReport(member, { cluster, asked, statuses }))
    .sort((a, b) => placeOf(a) - placeOf(b));
  const healthy = members.filter((member) => member.healthy && member.role !== 'learner').length;
  const voters = members.filter((member) => member.role !== 'learner').length;
  const leader = members.find((member) => member.role === 'leader');
  const [first] = statuses.values();
  const titles = new Map(members.map((member) => [member.id, member.name === '' ? member.id : member.name]));
  return {
    cluster: cluster.name,
    clusterId: text(first?.clusterId),
    ...(leader ? { leader: leader.name } : {}),
    quorum: healthy * 2 > voters,
    revision: Math.max(0, ...[...statuses.values()].map((status) => status.revision)),
    alarms: alarmsOf(asked).map(({ memberId, alarm }) => ({ member: titles.get(memberId) ?? memberId, alarm })),
    members,
  };
}

function memberReport(
  { ID, name, peerURLs, isLearner }: Listed,
  {
    cluster,
    asked,
    statuses,
  }: { cluster: Cluster; asked: readonly Asked[]; statuses: ReadonlyMap<string, EtcdStatus> },
): MemberReport {
  const byId = [...statuses].find(([, status]) => status.memberId === ID)?.[0];
  const host = byId ?? (cluster.hosts.some((each) => each.name === name) ? name : undefined);
  const own = asked.find((each) => each.host === host);
  const status = byId === undefined ? undefined : statuses.get(byId);
  const healthy = status !== undefined && isHealthy(own?.health);
  const backup = own && understood(own.host, () => parseBackup(own.backup));
  const role = name === '' ? 'unstarted' : isLearner ? 'learner' : status?.leaderId === ID ? 'leader' : 'voter';
  return {
    name,
    id: ID,
    ...(host === undefined ? {} : { host }),
    peerUrls: peerURLs,
    role,
    healthy,
    ...(healthy || role === 'unstarted' ? {} : { problem: problemOf(own, status) }),
    ...(status ? figures(status, [...statuses.values()]) : {}),
    ...(backup?.newest
      ? { backup: { name: backup.newest.name, bytes: backup.newest.bytes, ageSeconds: ageOf(backup) ?? 0 } }
      : {}),
  };
}

function problemOf(own: Asked | undefined, status: EtcdStatus | undefined): string {
  if (own === undefined) return 'its host was not reached, or is not in the inventory';
  return status ? seen(own.health) : seen(own.status);
}

function figures(status: EtcdStatus, all: readonly EtcdStatus[]): Partial<MemberReport> {
  const { version, storageVersion, dbSize, dbSizeInUse, dbSizeQuota, raftIndex } = status;
  return {
    version: text(version),
    storageVersion: text(storageVersion),
    databaseBytes: dbSize,
    inUseBytes: dbSizeInUse,
    quotaBytes: dbSizeQuota,
    raftIndex,
    raftLag: Math.max(...all.map((each) => each.raftIndex)) - raftIndex,
  };
}

function parseList(answer: Answer | undefined): Listed[][] | undefined {
  const { members } = (parseJson(answer) ?? {}) as { members?: Partial<Listed>[] };
  if (members === undefined) return undefined;
  return [
    members.map(({ ID, name, peerURLs, isLearner }) => ({
      ID: text(ID),
      name: text(name),
      peerURLs: [...(peerURLs ?? [])].map(text),
      isLearner: isLearner === true,
    })),
  ];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

interface Alarm {
  memberId: string;
  /** `NOSPACE`, `CORRUPT` */
  alarm: string;
}

/** By the first host that tells; the members agree on them. */
function alarmsOf(asked: readonly Asked[]): Alarm[] {
  for (const { host, alarms } of asked) {
    const told = understood(host, () => parseAlarms(alarms));
    if (told) return told;
  }
  return [];
}

function parseAlarms(answer: Answer | undefined): Alarm[] | undefined {
  const told = parseJson(answer) as { alarms?: { memberID?: unknown; alarm?: unknown }[] } | undefined;
  return told && (told.alarms ?? []).map(({ memberID, alarm }) => ({ memberId: text(memberID), alarm: text(alarm) }));
}
