import { askEtcd, parseEtcdStatus, type EtcdStatus } from './etcd.ts';
import type { EtcdMember } from './facts.ts';
import type { Answer, Ask } from './gate.ts';
import { parseJson } from './http.ts';

/** The members as this one knows them; told without a quorum too. */
export function askMembers(host: string): Ask {
  return askEtcd(host, '/v3/cluster/member/list', { patience: PATIENCE });
}

/** Seconds: a cluster that is not there yet must not hold up each run. */
export const PATIENCE = 3;

interface MemberList {
  members?: { ID?: string; name?: string; peerURLs?: string[]; clientURLs?: string[]; isLearner?: boolean }[];
}

/** Undefined when there is no list. `status` is of the member that told it: what that one runs is known then. */
export function parseMembers(list: Answer | undefined, status: Answer | undefined): EtcdMember[] | undefined {
  const asked = parseEtcdStatus(status);
  const { members } = (parseJson(list) ?? {}) as MemberList;
  return members?.map(({ ID, name = '', peerURLs = [], clientURLs = [], isLearner = false }) => ({
    name,
    peerUrls: peerURLs,
    ...(isLearner ? { isLearner } : {}),
    // It tells where clients find it whenever it starts (etcd's publish).
    ...(clientURLs.length === 0 ? { unstarted: true as const } : {}),
    ...(asked !== undefined && asked.memberId === ID ? versionsOf(asked) : {}),
  }));
}

function versionsOf({ version, storageVersion }: EtcdStatus): Pick<EtcdMember, 'version' | 'storage'> {
  return { version, ...(storageVersion === '' ? {} : { storage: storageVersion }) };
}
