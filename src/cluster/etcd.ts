import { ETCD_METRICS_PORT } from '../core/ports.ts';
import { PATHS } from '../core/paths.ts';
import { hostsWith } from '../inventory/types.ts';
import { knownMembers } from './etcd-phase.ts';
import type { Answer, Ask, GateCheck, GateContext } from './gate.ts';
import { localRequest, parseHttp, parseJson, seen } from './http.ts';

const DEADLINE = 60;

/** The staged etcdctl with the certificates that root has for it; endpoints and words follow. */
export const ETCDCTL: readonly string[] = [
  `${PATHS.bin}/etcdctl`,
  `--cacert=${PATHS.pki}/etcd-ca.crt`,
  `--cert=${PATHS.etcdHealthCert}`,
  `--key=${PATHS.etcdHealthKey}`,
];

/** What a member says of itself and its cluster. */
export interface EtcdStatus {
  clusterId: string;
  memberId: string;
  leaderId: string;
  revision: number;
  raftIndex: number;
  raftTerm: number;
  version: string;
  dbSize: number;
  /** Of it, what is not free again. */
  dbSizeInUse: number;
  /** 0 where the member does not tell. */
  dbSizeQuota: number;
  isLearner: boolean;
  /** Of the data, such as `3.7.0`; empty where the member does not tell. */
  storageVersion: string;
}

/**
 * With a linearizable read among its checks: ready only with a quorum. Not of a learner, nor of a member whose data is
 * corrupt. Without a quorum etcd waits 7 s for one before it says which check fails.
 */
export function askEtcdHealth(host: string): Ask {
  return localRequest({ host, port: ETCD_METRICS_PORT, path: '/readyz', patience: 8 });
}

/** etcd's own gateway: the same answer as `etcdctl endpoint status`, without its process. */
export function askEtcdStatus(host: string, more: { patience?: number } = {}): Ask {
  return askEtcd(host, '/v3/maintenance/status', more);
}

/** One that never met a quorum since its start takes connections and says nothing. */
export function askEtcd(host: string, path: string, more: { patience?: number; body?: string } = {}): Ask {
  return localRequest({
    host,
    port: 2379,
    path,
    method: 'POST',
    body: '{}',
    ...more,
    limit: (more.patience ?? 5) + 3,
    tls: {
      authority: `${PATHS.pki}/etcd-ca.crt`,
      name: 'localhost',
      cert: PATHS.etcdHealthCert,
      key: PATHS.etcdHealthKey,
    },
  });
}

export function parseEtcdStatus(answer: Answer | undefined): EtcdStatus | undefined {
  const body = parseJson(answer) as
    | {
        header?: Record<string, string>;
        version?: string;
        dbSize?: string;
        dbSizeInUse?: string;
        dbSizeQuota?: string;
        isLearner?: boolean;
        storageVersion?: string;
        leader?: string;
        raftIndex?: string;
        raftTerm?: string;
      }
    | undefined;
  if (body?.header === undefined) return undefined;
  return {
    clusterId: body.header['cluster_id'] ?? '',
    memberId: body.header['member_id'] ?? '',
    leaderId: body.leader ?? '0',
    revision: Number(body.header['revision'] ?? 0),
    raftIndex: Number(body.raftIndex ?? 0),
    raftTerm: Number(body.raftTerm ?? 0),
    version: body.version ?? '',
    dbSize: Number(body.dbSize ?? 0),
    dbSizeInUse: Number(body.dbSizeInUse ?? 0),
    dbSizeQuota: Number(body.dbSizeQuota ?? 0),
    isLearner: body.isLearner ?? false,
    storageVersion: body.storageVersion ?? '',
  };
}

/** Each member of the batch healthy; all that answer in one cluster, with one leader. */
export function etcdGates({ cluster, facts, hosts }: GateContext): GateCheck[] {
  const members = hostsWith(cluster, 'etcd').map((host) => host.name);
  // Of those that are to join, the ones whose turn has come.
  const joined = knownMembers(facts)?.map(({ name }) => name);
  const isCounted = (name: string): boolean => joined === undefined || joined.includes(name) || hosts.includes(name);
  const reachable = members.filter((name) => facts.hosts.has(name) && isCounted(name));
  const health = hosts.filter((name) => members.includes(name)).map(healthGate);
  return reachable.length === 0 ? health : [...health, leaderGate(reachable)];
}

/** From the answer to {@link askEtcdHealth}. */
export function isHealthy(answer: Answer | undefined): boolean {
  return parseHttp(answer)?.status === 200;
}

function healthGate(host: string): GateCheck {
  return {
    title: `etcd ${host} healthy`,
    asks: [askEtcdHealth(host)],
    check: ([answer]) => (isHealthy(answer) ? undefined : seen(answer)),
    host,
    unit: { host, name: 'etcd.service' },
    deadline: DEADLINE,
  };
}

function leaderGate(hosts: readonly string[]): GateCheck {
  return {
    title: `etcd has one leader`,
    asks: hosts.map((host) => askEtcdStatus(host)),
    check: (answers) => agreement(hosts, answers),
    unit: { host: hosts[0] ?? '', name: 'etcd.service' },
    deadline: DEADLINE,
  };
}

/** A quorum of members names one cluster and one leader that is among the members. Pure; also what `verify` shows. */
export function agreement(hosts: readonly string[], answers: readonly Answer[]): string | undefined {
  const statuses = answers.map((answer) => parseEtcdStatus(answer));
  const known = statuses.filter((status) => status !== undefined);
  const silent = hosts.filter((_, index) => statuses[index] === undefined);
  if (known.length * 2 <= hosts.length)
    return `no status from ${silent.join(', ')}: ${seen(answers[hosts.indexOf(silent[0] ?? '')])}`;
  const clusters = new Set(known.map((status) => status.clusterId));
  if (clusters.size > 1) return `${String(clusters.size)} clusters: ${[...clusters].join(', ')}`;
  const leaders = new Set(known.map((status) => status.leaderId));
  if (leaders.has('0') || leaders.has('')) return 'no leader';
  if (leaders.size > 1) return `members name ${String(leaders.size)} leaders: ${[...leaders].join(', ')}`;
  return known.every((status) => status.raftIndex > 0) ? undefined : 'the raft index does not move';
}

/** Host whose member leads, from the answers to {@link askEtcdStatus}. */
export function leaderOf(answers: readonly Answer[]): string | undefined {
  return answers.find((answer) => {
    const status = parseEtcdStatus(answer);
    return status !== undefined && status.leaderId === status.memberId;
  })?.host;
}
