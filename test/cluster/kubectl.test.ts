import { expect, it } from 'vitest';
import { apiHost } from '../../src/cluster/kubectl.ts';
import { nodeReady } from '../../src/cluster/nodes.ts';
import { factsOf, labCluster } from '../states/cluster.ts';

it('the API is asked of the master whose API server answered, else of the first that is reached', async () => {
  const cluster = await labCluster();
  const hosts = factsOf(cluster).hosts;
  // m1 was installed anew: it is reached, and has no API server yet.
  const answered = factsOf(cluster, { apiHost: 'm2' });
  expect(apiHost(cluster, answered)).toBe('m2');
  const wanted = { withoutNetwork: false, deadline: 1 };
  expect(nodeReady(cluster, answered, 'w1', wanted).asks.map(({ host }) => host)).toEqual(['m2', 'w1']);
  expect(apiHost(cluster, factsOf(cluster))).toBe('m1');
  const without = new Map([...hosts].filter(([name]) => name !== 'm1'));
  expect(apiHost(cluster, factsOf(cluster, { hosts: without }))).toBe('m2');
});
