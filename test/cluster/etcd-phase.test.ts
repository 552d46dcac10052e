import { describe, expect, it } from 'vitest';
import { phaseWithoutQuorum } from '../../src/cluster/etcd-phase.ts';
import type { EtcdPhase, HostFacts } from '../../src/cluster/facts.ts';
import { PATHS } from '../../src/core/paths.ts';
import { factsOf, labCluster } from '../states/cluster.ts';

const yaml = (state: string, names = ['m1', 'm2', 'm3']): Partial<HostFacts> => {
  const named = names.map((name) => `${name}=https://${name}:2380`).join(',');
  const text = `initial-cluster: ${named}\ninitial-cluster-state: ${state}\n`;
  return { files: { [PATHS.etcdConfig]: text } };
};
const owns = (stage: string): Partial<HostFacts> => ({ owned: [{ ref: 'file:/x', hash: '', stage }] });
const DATA = { etcdData: true };
const FOUNDER = { ...DATA, ...yaml('new'), ...owns('etcd') };
const SERVED = { ...FOUNDER, ...owns('api-server') };
const SETTLED = { ...FOUNDER, ...yaml('existing') };
const ALONE = { ...DATA, ...yaml('existing', ['m1']) };

describe('etcd, of which no quorum answers', () => {
  it.each<[string, EtcdPhase, Record<string, Partial<HostFacts>>]>([
    ['on bare hosts', 'none', {}],
    ['with workers of a cluster whose masters are bare', 'none', { w1: owns('nodes') }],
    ['whose first founder was started by a run that was cut off', 'forming', { m1: FOUNDER }],
    ['whose founders all were, and have not met', 'forming', { m1: FOUNDER, m2: FOUNDER, m3: FOUNDER }],
    ['that once was, and all have their data', 'down', { m1: SETTLED, m2: SETTLED, m3: SETTLED }],
    ['that once was, and a quorum has its data', 'down', { m1: SERVED, m2: SERVED }],
    ['that once was, and one of three has its data', 'lost', { m1: SERVED }],
    ['that once was, by the file of one of three that has data', 'lost', { m1: SETTLED }],
    ['that once was, by the file of one that has lost its data', 'lost', { m1: FOUNDER, m2: yaml('existing') }],
    ['that once was, and nobody has data any more', 'lost', { m1: owns('api-server') }],
    [
      'that once was, one of three has its data, and a worker that was a member long ago',
      'lost',
      { m1: SERVED, w1: DATA },
    ],
    ['of one that is to grow to three', 'down', { m1: ALONE }],
    ['whose file somebody broke', 'lost', { m1: { ...SERVED, files: { [PATHS.etcdConfig]: 'a: [' } } }],
  ])('%s: %s', async (_name, phase, over) => {
    const cluster = await labCluster();
    const facts = factsOf(cluster);
    const hosts = new Map([...facts.hosts].map(([name, own]) => [name, { ...own, ...over[name] }]));
    expect(phaseWithoutQuorum(cluster, { hosts })).toBe(phase);
  });

  it('counts the members that etcd lists', async () => {
    const cluster = await labCluster();
    const { hosts } = factsOf(cluster, {}, { ...SETTLED });
    const members = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6'].map((name) => ({ name, peerUrls: [] }));
    expect(phaseWithoutQuorum(cluster, { hosts, members })).toBe('lost');
    expect(phaseWithoutQuorum(cluster, { hosts, members: members.slice(0, 5) })).toBe('down');
  });

  it('is found on hosts that carry etcd alone', async () => {
    const cluster = await labCluster('hosts: [{ name: e1, address: 10.77.0.31, roles: [etcd] }]');
    const facts = factsOf(cluster);
    const hosts = new Map([...facts.hosts].map(([name, own]) => [name, name === 'm1' ? { ...own, ...SERVED } : own]));
    expect(phaseWithoutQuorum(cluster, { hosts })).toBe('lost');
    expect(
      phaseWithoutQuorum(cluster, { hosts: new Map(hosts).set('e1', { ...facts.hosts.get('e1')!, ...DATA }) }),
    ).toBe('down');
  });
});
