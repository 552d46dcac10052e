import { describe, expect, it } from 'vitest';
import type { FlagOwner } from '../../src/core/removed-flags.ts';
import { REMOVED_FLAGS, REMOVED_GATES, removedFlags, removedGates } from '../../src/core/removed-flags.ts';

const CASES: { component: FlagOwner; version: string; args: Record<string, unknown>; messages: RegExp[] }[] = [
  {
    component: 'kubelet',
    version: '1.37.1',
    args: { containerd: '/run/x' },
    messages: [/--containerd, which is gone since 1\.37\.0/],
  },
  { component: 'kubelet', version: '1.36.9', args: { containerd: '/run/x' }, messages: [] },
  { component: 'kubelet', version: '1.37.1', args: { containerd: null }, messages: [] },
  { component: 'kubelet', version: '1.37.1', args: { 'housekeeping-interval': '10s' }, messages: [] },
  {
    component: 'kube-apiserver',
    version: '1.35.0',
    args: { 'cloud-provider': 'x', profiling: false },
    messages: [/--cloud-provider/],
  },
  {
    component: 'kube-controller-manager',
    version: '1.37.0',
    args: { 'concurrent-service-syncs': 1, 'cloud-provider': 'external' },
    messages: [/concurrent-service-syncs/],
  },
  { component: 'etcd', version: '3.6.4', args: { 'experimental-initial-corrupt-check': true }, messages: [] },
  {
    component: 'etcd',
    version: '3.7.0',
    args: { 'experimental-initial-corrupt-check': true },
    messages: [/--experimental-initial-corrupt-check/],
  },
  { component: 'etcd', version: '3.6.0', args: { 'enable-v2': false }, messages: [/--enable-v2/] },
  {
    component: 'kube-apiserver',
    version: '1.37.1',
    args: { 'feature-gates': 'SidecarContainers=true, MemoryManager=true,Known=false' },
    messages: [/MemoryManager, which is gone since 1\.36/, /SidecarContainers, which is gone since 1\.37/],
  },
  { component: 'kube-apiserver', version: '1.36.1', args: { 'feature-gates': 'SidecarContainers=true' }, messages: [] },
];

describe('removedFlags', () => {
  it.each(CASES)('$component $version $args', ({ component, version, args, messages }) => {
    const problems = removedFlags(component, version, args);
    expect(problems.map(({ message }) => message)).toEqual(
      messages.map((message) => expect.stringMatching(message) as string),
    );
    for (const { hint } of problems) expect(hint).not.toBe('');
  });
});

it('finds gates of a configuration file', () => {
  expect(removedGates('kubelet', '1.37.0', ['GangScheduling', 'Other'])).toHaveLength(1);
});

it('lists each flag and gate once', () => {
  const flags = REMOVED_FLAGS.flatMap(({ component, flags }) => flags.map((flag) => `${component} ${flag}`));
  const gates = Object.values(REMOVED_GATES).flat();
  expect(new Set(flags).size).toBe(flags.length);
  expect(new Set(gates).size).toBe(gates.length);
});
