import { SECRETS } from '../../core/paths.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { CertificateResource, Subject } from '../../resources/types.ts';

type Authority = 'clusterAuthority' | 'etcdAuthority' | 'frontProxyAuthority';

export interface WantedLeaf {
  authority: Authority;
  subject: Subject;
  usages: CertificateResource['usages'];
  owner: string;
  dns?: string[];
  ip?: string[];
  sparedIp?: string[];
  rotatedBy?: string;
}

export function pair(cluster: Cluster, base: string, wanted: WantedLeaf): CertificateResource {
  return leaf(cluster, `${base}.crt`, `${base}.key`, wanted);
}

export function leaf(cluster: Cluster, path: string, keyPath: string, wanted: WantedLeaf): CertificateResource {
  const { leafDays: days, renewBeforeDays, keyAlgorithm } = cluster.certificates;
  const { authority, subject, usages, owner, dns = [], ip = [], sparedIp, rotatedBy } = wanted;
  return {
    kind: 'certificate',
    path,
    keyPath,
    authority: SECRETS[authority],
    subject,
    dns,
    ip,
    ...(sparedIp === undefined ? {} : { sparedIp }),
    usages,
    days,
    renewBeforeDays,
    keyAlgorithm,
    owner,
    group: owner,
    ...(rotatedBy === undefined ? {} : { rotatedBy }),
  };
}

export function named(CN: string): Subject {
  return { CN, O: [] };
}

export function unique(all: readonly string[]): string[] {
  return [...new Set(all)];
}
