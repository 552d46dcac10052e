import { SECRETS } from '../../core/paths.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { CertificateResource, Subject } from '../../resources/types.ts';

type Authority = 'clusterAuthority' | 'etcdAuthority' | 'frontProxyAuthority';

export interface LeafWish {
  authority: Authority;
  subject: Subject;
  usages: CertificateResource['usages'];
  owner: string;
  dns?: string[];
  ip?: string[];
  rotatedBy?: string;
}

export function pair(cluster: Cluster, base: string, wish: LeafWish): CertificateResource {
  return leaf(cluster, `${base}.crt`, `${base}.key`, wish);
}

export function leaf(cluster: Cluster, path: string, keyPath: string, wish: LeafWish): CertificateResource {
  const { leafDays: days, renewBeforeDays, keyAlgorithm } = cluster.certificates;
  const { authority, subject, usages, owner, dns = [], ip = [], rotatedBy } = wish;
  return {
    kind: 'certificate',
    path,
    keyPath,
    authority: SECRETS[authority],
    subject,
    dns,
    ip,
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
