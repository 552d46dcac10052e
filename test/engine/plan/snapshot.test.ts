import { expect, it } from 'vitest';
import type { Facts } from '../../../src/cluster/facts.ts';
import type { Service } from '../../../src/core/services.ts';
import { bringsWanted } from '../../../src/engine/plan/skew.ts';
import { snapshotBefore } from '../../../src/engine/plan/snapshot.ts';
import type { StagePlan } from '../../../src/engine/types.ts';
import { stage } from '../../fixtures/plan.ts';
import { factsOf, hostFacts, labCluster } from '../../states/cluster.ts';
import { CHANGE } from '../support/fake-run.ts';

const cluster = await labCluster();
const { kubernetes, etcd } = cluster.versions;
const brings = bringsWanted(cluster);
const HOSTS = ['m1', 'm2'];

function facts(runs: Partial<Record<Service, string>>, state: Facts['etcd'] = 'formed'): Facts {
  return factsOf(cluster, { etcd: state, hosts: new Map(HOSTS.map((name) => [name, hostFacts('', { runs })])) });
}

function restarting(...units: Service[]): StagePlan[] {
  const items = units.map((unit) => ({
    ref: `unit:${unit}.service`,
    title: '',
    kind: 'unit',
    comparison: { ...CHANGE, verb: 'restart' as const },
  }));
  return [stage('any', { batches: [HOSTS], hosts: HOSTS.map((host) => ({ host, items })) })];
}

const OLD = { etcd: '3.6.16', 'kube-apiserver': '1.36.3', kubelet: '1.36.3' } as const;
const PATCH = { etcd, 'kube-apiserver': '1.37.0', kubelet: '1.36.3' } as const;

it.each<[string, StagePlan[], Facts, string[]]>([
  [
    'etcd, and another minor version of API servers',
    restarting('etcd', 'kube-apiserver'),
    facts(OLD),
    [`etcd 3.6.16 → ${etcd}`, `kube-apiserver 1.36.3 → ${kubernetes}`],
  ],
  ['etcd by a patch', restarting('etcd'), facts({ etcd: '3.7.0' }), [`etcd 3.7.0 → ${etcd}`]],
  ['a patch of API servers', restarting('kube-apiserver'), facts(PATCH), []],
  ['kubelets alone', restarting('kubelet'), facts(PATCH), []],
  ['restarts for something else', restarting('etcd'), facts({ etcd }), []],
  ['stages that are left out', [], facts(OLD), []],
  ['etcd that is not there yet', restarting('etcd'), facts({}, 'none'), []],
  ['no quorum, which could give one', restarting('etcd'), facts(OLD, 'down'), []],
])('a snapshot is wanted for %s', (_what, stages, known, because) => {
  const planned = snapshotBefore(stages, { facts: known, brings, into: '/b' });
  expect(planned).toEqual(because.length === 0 ? {} : { snapshot: { into: '/b', because } });
});

it('none is where it is not wished', () => {
  expect(snapshotBefore(restarting('etcd'), { facts: facts(OLD), brings, into: undefined })).toEqual({});
});
