import { PATHS, USERS } from '../../core/paths.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { CertificateResource } from '../../resources/types.ts';
import { leaf, named, pair, unique } from './leaf.ts';
import { LEAVES } from './names.ts';

export function etcdLeaves(cluster: Cluster, host: Host): CertificateResource[] {
  const names = { dns: unique([host.name, 'localhost']), ip: unique(['127.0.0.1', host.internalAddress]) };
  const common = { authority: 'etcdAuthority', owner: USERS.etcd, ...names } as const;
  return [
    // etcd's own gateway dials itself with the server certificate, so it must do as a client's too.
    pair(cluster, LEAVES.etcdServer, { ...common, subject: named(host.name), usages: ['server', 'client'] }),
    pair(cluster, LEAVES.etcdPeer, { ...common, subject: named(host.name), usages: ['server', 'client'] }),
    leaf(cluster, PATHS.etcdHealthCert, PATHS.etcdHealthKey, {
      authority: 'etcdAuthority',
      owner: 'root',
      subject: named('mcpk-healthcheck'),
      usages: ['client'],
    }),
  ];
}
