import { describe, expect, it } from 'vitest';
import type { OwnedEntry } from '../../../src/cluster/facts.ts';
import { contactable, type Cluster } from '../../../src/inventory/types.ts';
import { changesOf, type Plan } from '../../../src/engine/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { etcdDefrag } from '../../../src/states/wishes/etcd-defrag.ts';
import { drainNode, uncordonNode } from '../../../src/states/wishes/drain.ts';
import { RESET, withoutHosts } from '../../../src/states/wishes/reset.ts';
import { factsOf, hostFacts, labCluster, registered } from '../../states/cluster.ts';
import { fakeReader, httpAnswer } from '../support/fake-reader.ts';
import { wishPlan } from '../support/wish-plan.ts';

const lab = await labCluster();
const all = new Set(lab.hosts.map(({ name }) => name));

const entries = (...refs: string[]): OwnedEntry[] => refs.map((ref) => ({ ref, hash: 'h', stage: 'nodes' }));

const owned = entries('unit:kubelet.service', 'file:/etc/x', 'directory:/etc/kubernetes');
/** Of masters besides, in the order in which they were laid. */
const serving = entries('unit:etcd.service', 'unit:kube-apiserver.service', 'unit:kube-scheduler.service');

interface Given {
  /** Whoever cordoned the nodes. */
  cordoned?: 'mcpk' | 'other';
  /** The host that answers nothing. */
  away?: string;
  /** What masters have beside what all have. */
  masters?: readonly OwnedEntry[];
}

async function planned(
  cluster: Cluster,
  stages: readonly Stage[],
  { cordoned, away, masters = [] }: Given = {},
): Promise<Plan> {
  const hosts = new Map(
    contactable(cluster).map((host) => [
      host.name,
      hostFacts(host.internalAddress, {
        hostname: host.name,
        owned: host.roles.includes('master') ? [...masters, ...owned] : owned,
        etcdData: true,
        holdsVip: host.name === 'm1',
      }),
    ]),
  );
  const nodes = new Map(
    [...registered(lab)].map(([name, node]) => [name, { ...node, ...(cordoned ? { cordoned } : {}) }]),
  );
  const facts = factsOf(cluster, { hosts, nodes, etcd: 'formed', apiHost: 'm1' });
  const reader = fakeReader({ answer: ({ host }) => (host === away ? { exitCode: 7 } : httpAnswer(200)) });
  return wishPlan({ cluster, facts, stages, reader });
}

/** `stage HOST: what`, in order. */
const told = ({ stages }: Plan): string[] =>
  stages.flatMap(({ name, steps, hosts }) => [
    ...steps.filter(({ when }) => when === 'before').map(({ on, title }) => `${name} ${on}: ${title}`),
    ...hosts.flatMap((host) => changesOf(host).map(({ ref }) => `${name} ${host.host}: remove ${ref}`)),
    ...steps.filter(({ when }) => when === 'after').map(({ on, title }) => `${name} ${on}: ${title}`),
  ]);

describe('a wish', () => {
  it('to drain a node takes its steps on a master, and nothing off any host', async () => {
    const plan = await planned(lab, [drainNode('w1')]);
    expect(told(plan)).toEqual(['drain m1: cordon w1', 'drain m1: drain w1']);
    expect(plan.summary).toMatchObject({ changes: 2, removals: 0 });
  });

  it('that fails puts the node back as it was', async () => {
    const undo = async (given?: Given): Promise<unknown> =>
      (await planned(lab, [drainNode('w1')], given)).stages[0]?.steps[0]?.undo;
    expect(await undo()).toEqual(expect.arrayContaining(['uncordon', 'w1']));
    expect(await undo({ cordoned: 'other' })).toBeUndefined();
  });

  it('to uncordon lifts the cordon with the mark', async () => {
    const [step] = (await planned(lab, [uncordonNode('w1')])).stages[0]?.steps ?? [];
    expect(step?.run.at(-1)).toBe(
      '{"metadata":{"annotations":{"mcpk.io/cordoned-by":null}},"spec":{"unschedulable":null}}',
    );
  });

  it.each([drainNode('x9'), uncordonNode('x9')])('of a node that there is none of is refused', (stage) => {
    const facts = factsOf(lab, { nodes: registered(lab) });
    expect(stage.problems?.(lab, facts)).toMatchObject([{ code: 'refused', message: 'the API has no node x9' }]);
  });
});

describe('a defragmentation', () => {
  it('takes down the members in turn, in its own order, as far as their guards let it', async () => {
    const plan = await planned(lab, [etcdDefrag({ hosts: ['m3', 'm1'] })], { away: 'm2' });
    expect(plan.stages).toMatchObject([{ name: 'etcd', batches: [['m3'], ['m1']], order: 'm3 → m1' }]);
    expect(told(plan)).toEqual([
      "etcd m3: move etcd's leader away from m3",
      "etcd m3: defragment etcd's database on m3",
      "etcd m1: move etcd's leader away from m1",
      "etcd m1: defragment etcd's database on m1",
    ]);
    expect(plan.summary).toMatchObject({ changes: 4, hosts: 2 });
    expect(plan.refused.map(({ hosts, title }) => `${hosts.join()}: ${title}`)).toEqual([
      'm3: etcd keeps its quorum without m3',
      'm1: etcd keeps its quorum without m1',
    ]);
  });
});

describe('a reset', () => {
  it('clears the workers, then the masters, and asks nothing of the API', async () => {
    const cluster = withoutHosts(lab, all);
    expect([cluster.hosts, cluster.leaving.length]).toEqual([[], 5]);
    const plan = await planned(cluster, RESET);
    expect(plan.stages.map(({ name, needs, batches }) => [name, needs, batches])).toEqual([
      ['reset-workers', [], [['w1', 'w2']]],
      ['reset-masters', ['reset-workers'], [['m1', 'm2', 'm3']]],
    ]);
    expect(told(plan).filter((line) => line.includes(' w1: '))).toEqual([
      'reset-workers w1: stop the kubelet of w1',
      'reset-workers w1: end the pods of w1',
      'reset-workers w1: take the network of the pods off w1',
      'reset-workers w1: destroy the keys and data of w1',
      'reset-workers w1: remove unit:kubelet.service',
      'reset-workers w1: remove file:/etc/x',
      'reset-workers w1: remove directory:/etc/kubernetes',
      'reset-workers w1: take off w1 what mcpk kept there for itself',
    ]);
    expect(JSON.stringify(plan)).not.toContain('kubectl');
  });

  it('has all API servers stop while etcd is there, as none ends without it', async () => {
    const steps = (await planned(withoutHosts(lab, all), RESET, { masters: serving })).stages.flatMap(
      (stage) => stage.steps,
    );
    const at = (title: string): number => steps.findIndex((step) => step.title === title);
    const last = Math.max(...['m1', 'm2', 'm3'].map((name) => at(`have the API server of ${name} stop`)));
    const destroyed = at('destroy the keys and data of m1');
    expect(last).toBeGreaterThan(0);
    expect(last).toBeLessThan(destroyed);
    expect(steps[last]?.run).toEqual([
      ...['systemctl', 'stop', '--no-block'],
      ...['kube-scheduler.service', 'kube-apiserver.service'],
    ]);
    const units = (steps[destroyed]?.run ?? []).filter((word) => word.endsWith('.service'));
    expect(units.at(-1)).toBe('etcd.service');
    expect(units).toHaveLength(4);
  });

  it('of one host leaves the others alone', async () => {
    const plan = await planned(withoutHosts(lab, new Set(['w1'])), RESET);
    expect(Object.keys(plan.hosts)).toEqual(['w1']);
    expect(plan.stages.map(({ batches }) => batches)).toEqual([[['w1']], []]);
  });
});
