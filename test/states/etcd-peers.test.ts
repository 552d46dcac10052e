import { load } from 'js-yaml';
import { expect, it } from 'vitest';
import { revealed } from '../../src/core/secret.ts';
import { hostsWith, type Cluster } from '../../src/inventory/types.ts';
import { etcdConfig } from '../../src/states/etcd/config.ts';
import { etcdLeaves } from '../../src/states/leaves/etcd.ts';
import { contextOf, factsOf, labCluster } from './cluster.ts';

type Security = Record<'peer-transport-security' | 'client-transport-security', Record<string, unknown>>;

function securityOf(cluster: Cluster): Security {
  return load(revealed(etcdConfig(contextOf(cluster, 'm1', factsOf(cluster))))) as Security;
}

it('a member takes members alone for peers, by the names that their certificates have', async () => {
  const cluster = await labCluster();
  const { 'peer-transport-security': peers, 'client-transport-security': clients } = securityOf(cluster);
  const subjects = hostsWith(cluster, 'etcd').flatMap((host) =>
    etcdLeaves(cluster, host).flatMap(({ path, subject }) => (path === peers['cert-file'] ? [subject.CN] : [])),
  );
  expect(subjects).toEqual(['m1', 'm2', 'm3']);
  expect(peers).toMatchObject({ 'allowed-cn': subjects, 'client-cert-auth': true });
  // API servers and health checks come to this one.
  expect(clients).not.toHaveProperty('allowed-cn');
});

it('etcd 3.5 reads no such key, and gets none', async () => {
  const older = securityOf(await labCluster('versions: { etcd: 3.5.26, kubernetes: 1.36.4 }'));
  expect(older['peer-transport-security']).not.toHaveProperty('allowed-cn');
});
