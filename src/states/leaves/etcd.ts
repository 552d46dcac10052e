import { PATHS, USERS } from '../../core/paths.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { CertificateResource } from '../../resources/types.ts';
import { leaf, named, pair, unique } from './leaf.ts';
import { ETCD_PEER, LEAVES } from './names.ts';

/** Of a member that moves, with both addresses: its peers find it at the old one until it restarts. */
export function etcdLeaves(cluster: Cluster, host: Host, facts: Facts): CertificateResource[] {
  const own = facts.hosts.get(host.name)?.interfaces ?? [];
  const addresses = own.flatMap((each) => each.addresses.map(({ address }) => address));
  const listed = facts.members?.find(({ name }) => name === host.name)?.peerUrls ?? [];
  const names = {
    dns: unique([host.name, 'localhost']),
    ip: unique([
      '127.0.0.1',
      host.internalAddress,
      ...addresses.filter((address) => listed.includes(`https://${address}:2380`)),
    ]),
    sparedIp: addresses,
  };
  const common = { authority: 'etcdAuthority', owner: USERS.etcd, ...names } as const;
  return [
    // etcd's own gateway dials itself with the server certificate, so it must do as a client's too.
    pair(cluster, LEAVES.etcdServer, { ...common, subject: named(host.name), usages: ['server', 'client'] }),
    pair(cluster, LEAVES.etcdPeer, {
      ...common,
      dns: [...names.dns, ETCD_PEER],
      subject: named(host.name),
      usages: ['server', 'client'],
    }),
    leaf(cluster, PATHS.etcdHealthCert, PATHS.etcdHealthKey, {
      authority: 'etcdAuthority',
      owner: 'root',
      subject: named('mcpk-healthcheck'),
      usages: ['client'],
    }),
  ];
}
