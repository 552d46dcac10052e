import { load } from 'js-yaml';
import { expect, it } from 'vitest';
import { revealed } from '../../src/core/secret.ts';
import { hostsWith, type Cluster } from '../../src/inventory/types.ts';
import { etcdConfig } from '../../src/states/etcd/config.ts';
import { leavesOf } from '../../src/states/leaves.ts';
import { ETCD_PEER } from '../../src/states/leaves/names.ts';
import { contextOf, factsOf, labCluster } from './cluster.ts';

type Security = Record<'peer-transport-security' | 'client-transport-security', Record<string, unknown>>;

function securityOf(cluster: Cluster): Security {
  return load(revealed(etcdConfig(contextOf(cluster, 'm1', factsOf(cluster))))) as Security;
}

it('a member takes members alone for peers, by a name that their certificates share, so that new ones restart nobody', async () => {
  const cluster = await labCluster();
  const { 'peer-transport-security': peers, 'client-transport-security': clients } = securityOf(cluster);
  const named = hostsWith(cluster, 'master').flatMap((host) =>
    leavesOf(cluster, host, factsOf(cluster)).flatMap(({ path, dns }) => (dns.includes(ETCD_PEER) ? [path] : [])),
  );
  expect(named).toEqual(['m1', 'm2', 'm3'].map(() => peers['cert-file']));
  expect(peers).toMatchObject({ 'allowed-hostname': [ETCD_PEER], 'client-cert-auth': true });
  // API servers and health checks come to this one.
  expect(clients).not.toHaveProperty('allowed-hostname');
});

it('etcd 3.5 reads no such key, and gets none', async () => {
  const older = securityOf(await labCluster('versions: { etcd: 3.5.26, kubernetes: 1.36.4 }'));
  expect(older['peer-transport-security']).not.toHaveProperty('allowed-hostname');
});

it('a member that moves has both addresses in its certificates until it has', async () => {
  const cluster = await labCluster();
  const interfaces = [
    { name: 'eth0', mtu: 1500, addresses: ['10.77.0.11', '10.30.0.11'].map((address) => ({ address, prefix: 24 })) },
  ];
  const peer = (at: string): unknown => {
    const members = [{ name: 'm1', peerUrls: [`https://${at}:2380`] }];
    const [host] = cluster.hosts;
    const leaves = host ? leavesOf(cluster, host, factsOf(cluster, { members }, { interfaces })) : [];
    return leaves.flatMap(({ path, ip, sparedIp }) => (path === '/etc/etcd/pki/peer.crt' ? [{ ip, sparedIp }] : []));
  };
  const sparedIp = ['10.77.0.11', '10.30.0.11'];
  expect(peer('10.30.0.11')).toEqual([{ ip: ['127.0.0.1', '10.77.0.11', '10.30.0.11'], sparedIp }]);
  // Then the old one is let be, as long as it is the host's: nothing is issued again.
  expect(peer('10.77.0.11')).toEqual([{ ip: ['127.0.0.1', '10.77.0.11'], sparedIp }]);
});
