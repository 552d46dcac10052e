import { askEtcdStatus, parseEtcdStatus } from '../../../cluster/etcd.ts';
import { askEtcdutl, etcdutlVersion } from '../../../cluster/etcd-scratch.ts';
import type { Facts } from '../../../cluster/facts.ts';
import type { Answer, Ask } from '../../../cluster/gate.ts';
import { PATIENCE } from '../../../cluster/members.ts';
import { encryptionKeys, type EncryptionKey } from '../../../core/encryption-keys.ts';
import { publicKeyDigests } from '../../../core/public-keys.ts';
import { hostsWith, type Cluster } from '../../../inventory/types.ts';
import { SHARED_FILES, TRUST } from '../../secrets.ts';

/** What the hosts have that a snapshot is held against. */
export interface Present {
  /** By member's host; undefined: there is no etcdutl. */
  etcdutl: ReadonlyMap<string, string | undefined>;
  /** By master. */
  keys: ReadonlyMap<string, PresentKeys>;
  /** The newest that a member tells. */
  revision: number | undefined;
}

/** What a master's API server reads what is stored by, and whose tokens it takes. */
export interface PresentKeys {
  encryption: readonly EncryptionKey[];
  /** sha256 of each public key (SPKI, DER). */
  serviceAccount: readonly string[];
}

/** One round. */
export async function readPresent(
  { cluster, facts }: { cluster: Cluster; facts: Facts },
  ask: (asks: readonly Ask[]) => Promise<Answer[]>,
): Promise<Present> {
  const reached = (role: 'etcd' | 'master'): string[] =>
    hostsWith(cluster, role).flatMap(({ name }) => (facts.hosts.has(name) ? [name] : []));
  const members = reached('etcd');
  const masters = reached('master');
  const [versions, statuses, files] = await Promise.all([
    ask(members.map(askEtcdutl)),
    ask(members.map((host) => askEtcdStatus(host, { patience: PATIENCE }))),
    ask(
      masters.flatMap((host) =>
        [SHARED_FILES.encryption, TRUST.serviceAccount].map((path) => ({ host, argv: ['cat', path] })),
      ),
    ),
  ]);
  const revisions = statuses.flatMap((answer) => parseEtcdStatus(answer)?.revision ?? []);
  return {
    etcdutl: new Map(versions.map((answer) => [answer.host, etcdutlVersion(answer)])),
    keys: new Map(
      masters.map((host, index) => {
        const [encryption, trusted] = files.slice(2 * index, 2 * index + 2).map(({ stdout }) => stdout);
        return [
          host,
          { encryption: encryptionKeys(encryption ?? ''), serviceAccount: publicKeyDigests(trusted ?? '') },
        ];
      }),
    ),
    revision: revisions.length === 0 ? undefined : Math.max(...revisions),
  };
}
