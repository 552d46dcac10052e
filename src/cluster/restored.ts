import { hasAllKeys, RAISED } from '../core/raised-revisions.ts';
import { askEtcd, askEtcdStatus, parseEtcdStatus } from './etcd.ts';
import type { Answer, Ask, GateCheck } from './gate.ts';
import { parseJson, seen } from './http.ts';
import { askMembers, parseMembers, PATIENCE } from './members.ts';

const DEADLINE = 60;

/** What a snapshot has. A member must have it at the raised revision, whatever has expired since. */
export interface RestoredKeys {
  totalKeys: number;
  revision: number;
}

/** How many keys a member had, counted on it alone: `AA==` to `AA==` is from the first to the last. */
function askKeyCount(host: string, revision: number): Ask {
  const body = JSON.stringify({ key: 'AA==', range_end: 'AA==', count_only: true, serializable: true, revision });
  return askEtcd(host, '/v3/kv/range', { body, patience: PATIENCE });
}

/** Undefined when it does not tell. */
function parseKeyCount(answer: Answer | undefined): number | undefined {
  const { header, count = '0' } = (parseJson(answer) ?? {}) as { header?: unknown; count?: string };
  return header === undefined ? undefined : Number(count);
}

/** All members in one cluster that has no others, each with what was in the snapshot; `keys` absent: not counted. */
export function restoredGate(hosts: readonly string[], keys: RestoredKeys | undefined): GateCheck {
  return {
    title: `etcd is one cluster${keys === undefined ? '' : ` of ${String(keys.totalKeys)} keys`}, and has no other members`,
    asks: hosts.flatMap((host) => [
      askEtcdStatus(host, { patience: PATIENCE }),
      askMembers(host),
      askKeyCount(host, (keys?.revision ?? 0) + RAISED),
    ]),
    check: (answers) => {
      const clusters = new Set<string>();
      for (const [index, host] of hosts.entries()) {
        const [asked, list, counted] = answers.slice(3 * index, 3 * index + 3);
        const status = parseEtcdStatus(asked);
        const members = parseMembers(list, asked);
        if (status === undefined || members === undefined) return `${host}: ${seen(asked)}`;
        if (status.leaderId === '0') return `${host} knows no leader`;
        const names = members.map(({ name }) => name);
        if (names.length !== hosts.length || !hosts.every((name) => names.includes(name)))
          return `${host} names ${names.join(', ')} as members`;
        const count = parseKeyCount(counted);
        if (keys !== undefined && !hasAllKeys(count, keys))
          return `${host} has ${String(count ?? 'no answer on')} keys`;
        clusters.add(status.clusterId);
      }
      return clusters.size === 1 ? undefined : `${String(clusters.size)} clusters: ${[...clusters].join(', ')}`;
    },
    unit: { host: hosts[0] ?? '', name: 'etcd.service' },
    deadline: DEADLINE,
  };
}
