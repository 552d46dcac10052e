import { expect, it } from 'vitest';
import { flagProblems } from '../../src/core/cluster-flags.ts';

const NONE = { extraArgs: {}, environment: {}, config: {} };
const SETTINGS = {
  etcd: NONE,
  apiServer: NONE,
  controllerManager: NONE,
  scheduler: NONE,
  kubelet: NONE,
  kubeProxy: NONE,
  hosts: [{ kubelet: NONE, kubeProxy: NONE }],
};

function problems(settings: object): string[] {
  const versions = { kubernetes: '1.37.1', etcd: '3.7.3' };
  return flagProblems({ versions, ...SETTINGS, ...settings }).map(({ message }) => message);
}

it.each([
  { settings: {}, messages: [] },
  { settings: { etcd: { ...NONE, config: { 'experimental-x': 1 } } }, messages: [/^etcd 3\.7\.3 .*--experimental-x/] },
  { settings: { etcd: { ...NONE, extraArgs: { 'enable-v2': true } } }, messages: [/^etcd 3\.7\.3 .*--enable-v2/] },
  {
    settings: { kubelet: { ...NONE, extraArgs: { containerd: 'x' } } },
    messages: [/^kubelet 1\.37\.1 .*--containerd/],
  },
  {
    settings: { kubelet: { ...NONE, config: { featureGates: { MemoryManager: true } } } },
    messages: [/^kubelet .*MemoryManager/],
  },
  {
    settings: { kubeProxy: { ...NONE, config: { featureGates: { TopologyAwareHints: true } } } },
    messages: [/^kube-proxy .*Topology/],
  },
  {
    settings: {
      hosts: ['w1', 'w2'].map(() => ({ kubelet: { ...NONE, extraArgs: { containerd: 'x' } }, kubeProxy: NONE })),
    },
    messages: [/^kubelet 1\.37\.1 .*--containerd/],
  },
  {
    settings: {
      hosts: [{ kubelet: NONE, kubeProxy: { ...NONE, config: { featureGates: { TopologyAwareHints: true } } } }],
    },
    messages: [/^kube-proxy .*Topology/],
  },
  {
    settings: { apiServer: { ...NONE, extraArgs: { 'cloud-config': 'x', profiling: false } } },
    messages: [/^kube-apiserver .*--cloud-config/],
  },
])('finds in $settings what is gone', ({ settings, messages }) => {
  expect(problems(settings)).toEqual(messages.map((message) => expect.stringMatching(message) as string));
});
