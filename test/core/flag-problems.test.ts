import { describe, expect, it } from 'vitest';
import { flagProblems, unlistedFlags } from '../../src/core/flag-problems.ts';
import { FLAGS, type Component } from '../../src/core/flag-table.ts';
import { LISTED_GATES } from '../../src/core/listed-gates.ts';
import { REMOVED_GATES, removedGates, unlistedGates } from '../../src/core/removed-gates.ts';

const CASES: { component: Component; version: string; args: Record<string, unknown>; messages: RegExp[] }[] = [
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
  {
    component: 'etcd',
    version: '3.7.0',
    args: { 'experimental-enable-v2v3': 'x' },
    messages: [/--experimental-enable-v2v3, which is gone since 3\.6\.0/],
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

describe('flags that are gone', () => {
  it.each(CASES)('$component $version $args', ({ component, version, args, messages }) => {
    const problems = flagProblems(component, args, { version });
    expect(problems.map(({ message }) => message)).toEqual(
      messages.map((message) => expect.stringMatching(message) as string),
    );
    for (const { hint } of problems) expect(hint).not.toBe('');
  });
});

it('finds gates of a configuration file', () => {
  expect(removedGates('kubelet', '1.37.0', ['GangScheduling', 'Other'])).toHaveLength(1);
});

it.each([
  ['A', ['A has neither =true nor =false behind it: kubelet does not start with it']],
  ['A=true,kube:B=,', ['B has neither =true nor =false behind it: kubelet does not start with it']],
  ['A=yes', ['A has neither =true nor =false behind it: kubelet does not start with it']],
  [true, ['true has neither =true nor =false behind it: kubelet does not start with it']],
  ['A=true, kube:B=F,C=0', []],
  [
    'kube:GangScheduling=true',
    ['kubelet 1.37.0 does not know the feature gate GangScheduling, which is gone since 1.37.0'],
  ],
])('a gate needs a value: feature-gates: %s', (gates, messages) => {
  const problems = flagProblems('kubelet', { 'feature-gates': gates }, { version: '1.37.0' });
  expect(problems.map(({ message }) => message)).toEqual(messages);
});

it('knows each gate that is gone in a later Kubernetes, and none of etcd', () => {
  expect(unlistedGates('kubelet', [...Object.values(REMOVED_GATES).flat(), ...LISTED_GATES, 'AllAlpha'])).toEqual([]);
  expect(unlistedGates('etcd', ['InitialCorruptCheck'])).toEqual([]);
});

it('lists each flag and gate once', () => {
  const flags = FLAGS.flatMap(({ of, names }) =>
    names instanceof RegExp ? [] : of.flatMap((component) => names.map((name) => `${component} ${name}`)),
  );
  const gates = Object.values(REMOVED_GATES).flat();
  expect(new Set(flags).size).toBe(flags.length);
  expect(new Set(gates).size).toBe(gates.length);
  expect(new Set(LISTED_GATES).size).toBe(LISTED_GATES.length);
});

it('every flag of the table is one that its component lists, or that is gone', () => {
  const wrong = FLAGS.filter(({ means }) => means.is !== 'gone').flatMap(({ of, names }) =>
    names instanceof RegExp
      ? []
      : of.flatMap((component) => unlistedFlags(component, Object.fromEntries(names.map((name) => [name, 1])))),
  );
  expect(wrong).toEqual([]);
});
