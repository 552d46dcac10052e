import { describe, expect, it } from 'vitest';
import { bareHost } from '../../src/cluster/bare-host.ts';
import type { EtcdMember, HostFacts } from '../../src/cluster/facts.ts';
import { etcdStorage, isOutOfStep, runningVersions } from '../../src/cluster/running.ts';

const hostOf = (runs: HostFacts['runs']): HostFacts => ({ ...bareHost('h', '10.0.0.1'), runs });
const nodeOf = (name: string, kubeletVersion: string) => [name, { name, kubeletVersion, ready: true }] as const;

describe('what runs', () => {
  it('is what processes are; a Node tells of kubelets that are down or whose host was not read', () => {
    const hosts = new Map([
      ['m1', hostOf({ kubelet: '1.37.1', etcd: '3.7.3' })],
      ['w1', hostOf({})],
    ]);
    const nodes = new Map([nodeOf('m1', 'v1.36.3'), nodeOf('w1', 'v1.36.3'), nodeOf('w2', 'v1.35.1')]);
    expect([...runningVersions({ hosts, nodes })]).toEqual([
      ['m1', { kubelet: '1.37.1', etcd: '3.7.3' }],
      ['w1', { kubelet: '1.36.3' }],
      ['w2', { kubelet: '1.35.1' }],
    ]);
  });

  const versions = { kubernetes: '1.37.1', etcd: '3.7.3' } as never;
  it.each<[string, HostFacts['runs'][], boolean]>([
    ['nothing runs', [{}], false],
    ['all is as wanted', [{ kubelet: '1.37.1', etcd: '3.7.3', containerd: '1.7.24' }], false],
    ['a kubelet is of another patch', [{ kubelet: '1.37.0' }], true],
    ['an etcd is another', [{ etcd: '3.6.16' }], true],
    ['hosts have different packages', [{ haproxy: '3.0.11' }, { haproxy: '3.0.8' }], true],
  ])('is out of step or not: %s', (_what, all, expected) => {
    const running = new Map(all.map((runs, index) => [String(index), runs]));
    expect(isOutOfStep({ versions }, running)).toBe(expected);
  });

  it('has the version of the data from the member that was asked', () => {
    const members: EtcdMember[] = [
      { name: 'm1', peerUrls: [] },
      { name: 'm2', peerUrls: [], version: '3.7.3', storage: '3.6.0' },
    ];
    expect(etcdStorage({ members })).toBe('3.6');
    expect(etcdStorage({})).toBeUndefined();
  });
});
