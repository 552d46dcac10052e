import { expect, it, describe } from 'vitest';
import { freeShare, planDefrag } from '../../../src/cluster/etcd-defrag.ts';
import type { EtcdReport, Facts, MemberReport } from '../../../src/cluster/facts.ts';
import { stepsAround } from '../../../src/engine/plan/steps.ts';
import type { PlannedStep } from '../../../src/engine/types.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import { etcdDefrag } from '../../../src/states/wishes/etcd-defrag.ts';
import { STAGES } from '../../../src/states/index.ts';
import { factsOf, labCluster } from '../cluster.ts';

const member = (name: string, more: Partial<MemberReport> = {}): MemberReport => ({
  name,
  id: name,
  host: name,
  peerUrls: [],
  role: 'voter',
  healthy: true,
  databaseBytes: 1000,
  inUseBytes: 400,
  ...more,
});

const REPORT: EtcdReport = {
  cluster: 'lab',
  clusterId: '1',
  leader: 'm1',
  quorum: true,
  revision: 491007,
  alarms: [],
  members: [member('m1', { role: 'leader' }), member('m2'), member('m3', { inUseBytes: 900 })],
};
const FULL: EtcdReport = { ...REPORT, alarms: [{ member: 'm2', alarm: 'NOSPACE' }] };

const formed = (cluster: Cluster): Facts => ({
  ...factsOf(
    cluster,
    { etcd: 'formed', standing: { etcd: ['m1', 'm2', 'm3'], apiServers: ['m1', 'm2', 'm3'], etcdLeader: 'm1' } },
    { etcdData: true, owned: [{ ref: 'unit:kube-apiserver.service', hash: '', stage: 'api-server' }] },
  ),
});

async function stepsOf(report: EtcdReport, minFree = 0): Promise<PlannedStep[]> {
  const cluster = await labCluster();
  const facts = formed(cluster);
  const stage = etcdDefrag(planDefrag(report, minFree));
  const names = stage.hosts(cluster).map(({ name }) => name);
  const batches = stage.rollout?.(cluster, facts, names) ?? [];
  return stepsAround(stage, { cluster, facts, batches, hosts: names.map((host) => ({ host, items: [] })) });
}

const told = (steps: readonly PlannedStep[]): string[] =>
  steps.map(({ batch, when, title, on }) => `${String(batch)} ${when} ${on}: ${title}`);
const around = (batch: number, host: string): string[] => [
  `${String(batch)} before ${host}: move etcd's leader away from ${host}`,
  `${String(batch)} before ${host}: stop the API server of ${host} gracefully`,
  `${String(batch)} before ${host}: defragment etcd's database on ${host}`,
  `${String(batch)} after ${host}: start the API server of ${host}`,
];

describe('defragmenting', () => {
  it('one member after the other, its API server out before, the leader last', async () => {
    expect(told(await stepsOf(REPORT))).toEqual([...around(0, 'm2'), ...around(1, 'm3'), ...around(2, 'm1')]);
  });

  it('leaves alone who has less to give back', async () => {
    expect(told(await stepsOf(REPORT, 0.5))).toEqual([...around(0, 'm2'), ...around(1, 'm1')]);
    expect([freeShare(member('m1')), freeShare(member('m1', { databaseBytes: 0 }))]).toEqual([0.6, 0]);
  });

  it('where no space is left: compacts before the first, all of them, and takes the alarm back after the last', async () => {
    const steps = await stepsOf(FULL, 0.5);
    expect(told(steps)).toEqual([
      "0 before m2: let go of etcd's history before revision 491007",
      ...around(0, 'm2'),
      ...around(1, 'm3'),
      ...around(2, 'm1'),
      "2 held m2: take etcd's alarm back, so that it takes writes again",
    ]);
    expect(steps[0]?.run).toContain('491007');
  });

  it('an API server that was stopped is started by whatever ends the run, also by the next apply', async () => {
    const stopped = (await stepsOf(REPORT)).filter(({ title }) => title.startsWith('stop'));
    expect(stopped.map(({ undo }) => undo)).toEqual(Array(3).fill(['systemctl', 'start', 'kube-apiserver.service']));
    expect(STAGES.map(({ name }) => name)).toContain(etcdDefrag({ hosts: [] }).name);
  });

  it('is guarded as a restart is', async () => {
    const cluster = await labCluster();
    const context = {
      cluster,
      facts: formed(cluster),
      batch: ['m2'],
      earlier: [],
      ahead: false,
      restarting: new Map(),
    };
    const guards = etcdDefrag({ hosts: ['m2'] }).guard?.(context) ?? [];
    expect(guards.map(({ title }) => title)).toEqual([
      'etcd keeps its quorum without m2',
      'another API server is ready beside m2',
    ]);
  });
});
