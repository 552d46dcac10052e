import { expect, it } from 'vitest';
import type { HostFacts } from '../../src/cluster/facts.ts';
import { bareHost } from '../../src/cluster/bare-host.ts';
import { renderFacts } from '../../src/report/facts-text.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { renderRuns } from '../../src/report/runs-text.ts';
import { PLAIN } from '../../src/report/theme.ts';
import { FACTS, NOTHING } from '../fixtures/plan.ts';

const MASTER = { etcd: '3.6.16', 'kube-apiserver': '1.36.3', kubelet: '1.36.3', containerd: '1.7.24' };

it.each<[string, Record<string, HostFacts['runs']>, string | undefined, string[]]>([
  ['nothing', { m1: {} }, undefined, []],
  [
    'one version of each',
    { m1: MASTER, w1: { kubelet: '1.36.3', containerd: '1.7.24' } },
    '3.6',
    ['runs  kubernetes 1.36.3 · etcd 3.6.16, storage 3.6 · containerd 1.7.24'],
  ],
  [
    'an upgrade that was cut off between the API servers and the nodes',
    { m1: { 'kube-apiserver': '1.37.1', kubelet: '1.37.1' }, w1: { kubelet: '1.36.3' }, w2: { kubelet: '1.36.3' } },
    undefined,
    ['runs  kube-apiserver 1.37.1 · kubelet 1.37.1 (m1), 1.36.3 (w1, w2)'],
  ],
])('tells what runs: %s', (_what, hosts, storage, lines) => {
  expect(renderRuns({ hosts, ...(storage === undefined ? {} : { storage }) }, PLAIN)).toEqual(lines);
});

it('stands below the headline of a plan, and among the facts of a host', () => {
  const plan = renderPlan({ ...NOTHING, running: { hosts: { m1: MASTER } } }, PLAIN, { verbose: false });
  expect(plan.split('\n')[1]).toBe('runs  kubernetes 1.36.3 · etcd 3.6.16 · containerd 1.7.24');
  const hosts = new Map([['m1', { ...bareHost('m1', '10.0.0.11'), runs: MASTER }]]);
  expect(renderFacts({ ...FACTS, hosts }, PLAIN)).toContain('  runs       kubernetes 1.36.3 · etcd 3.6.16');
});
