import { expect, it } from 'vitest';
import { controlPlaneProblems, nodeProblems, type SettingProblem } from '../../src/core/cluster-flags.ts';

const NONE = { extraArgs: {}, environment: {}, config: {} };
const SETTINGS = {
  etcd: NONE,
  apiServer: NONE,
  controllerManager: NONE,
  scheduler: NONE,
  kubelet: NONE,
  kubeProxy: NONE,
};

function found(settings: object): SettingProblem[] {
  const versions = { kubernetes: '1.37.1', etcd: '3.7.3' };
  const all = { ...SETTINGS, internalAddress: '', ...settings };
  return [...controlPlaneProblems(all, { versions }), ...nodeProblems(all, { versions })];
}

function problems(settings: object): string[] {
  return found(settings).map(({ message }) => message);
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
  // A null takes away what was written further off.
  { settings: { kubelet: { ...NONE, config: { featureGates: { MemoryManager: null } } } }, messages: [] },
  {
    settings: { apiServer: { ...NONE, extraArgs: { 'cloud-config': 'x', profiling: false } } },
    messages: [/^kube-apiserver .*--cloud-config/],
  },
])('finds in $settings what is gone', ({ settings, messages }) => {
  expect(problems(settings)).toEqual(messages.map((message) => expect.stringMatching(message) as string));
});

const OIDC = ['issuer-url', 'client-id', 'ca-file', 'groups-claim', 'groups-prefix', 'required-claim', 'signing-algs'];
it.each<[string, object, string[]]>([
  ...[...OIDC, 'username-claim', 'username-prefix'].map((name): [string, object, string[]] => [
    'apiServer',
    { [`oidc-${name}`]: 'x' },
    [`oidc-${name}`],
  ]),
  ['apiServer', { 'anonymous-auth': false }, ['anonymous-auth']],
  ['apiServer', { 'authorization-mode': 'Node,RBAC' }, ['authorization-mode']],
  ['apiServer', { 'authorization-webhook-config-file': '/x' }, ['authorization-webhook-config-file']],
  ['apiServer', { 'authorization-policy-file': '/x' }, ['authorization-policy-file']],
  ['apiServer', { 'token-auth-file': '/x', 'authentication-token-webhook-version': 'v1' }, []],
  ['apiServer', { 'oidc-client-id': null }, []],
  // With no file, or one of the inventory's own.
  ['apiServer', { 'authentication-config': null, 'oidc-client-id': 'x', 'anonymous-auth': true }, []],
  ['apiServer', { 'authentication-config': '/own', 'oidc-client-id': 'x', 'anonymous-auth': true }, ['oidc-client-id']],
  ['apiServer', { 'authorization-config': null, 'authorization-mode': 'RBAC' }, []],
  ['scheduler', { profiling: false, 'leader-elect-lease-duration': '20s', v: 2 }, ['profiling']],
  ['kubeProxy', { 'proxy-mode': 'ipvs', 'feature-gates': 'MemoryQoS=true' }, ['proxy-mode', 'feature-gates']],
  [
    'kubeProxy',
    { v: 2, vmodule: 'x=1', 'logging-format': 'json', 'log-flush-frequency': '1s', master: 'https://x' },
    [],
  ],
  ['kubelet', { 'max-pods': 50 }, []],
  ['controllerManager', { profiling: true, 'kube-api-qps': 50 }, []],
])('finds in extraArgs of %s what does not go with a file of ours: %o', (section, extraArgs, flags) => {
  const all = found({ [section]: { ...NONE, extraArgs } });
  expect(all.map(({ path }) => path)).toEqual(flags.map((flag) => [section, 'extraArgs', flag]));
  for (const { message, hint } of all) {
    expect(message).toMatch(/ does not (start with|heed) --[a-z-]+ beside the file of --/);
    expect(hint).not.toBe('');
  }
});

it.each<[object, string[]]>([
  [{ 'authorization-config': null }, ['authorization-config']],
  [{ 'authorization-config': null, 'authentication-config': null }, ['authorization-config']],
  [{ 'authorization-config': null, 'authorization-mode': null }, ['authorization-config']],
  [{ 'authorization-config': null, 'authorization-mode': '' }, ['authorization-config']],
  [{ 'authorization-config': null, 'authorization-mode': 'AlwaysAllow' }, ['authorization-mode']],
  [{ 'authorization-config': null, 'authorization-mode': 'RBAC, AlwaysAllow' }, ['authorization-mode']],
  [{ 'authorization-config': null, 'authorization-mode': ['RBAC', 'AlwaysAllow'] }, ['authorization-mode']],
  [{ 'authorization-config': null, 'authorization-mode': 'Node,RBAC' }, []],
  [{ 'authorization-config': '/own' }, []],
])('finds that kube-apiserver would allow everything: %o', (extraArgs, flags) => {
  const all = found({ apiServer: { ...NONE, extraArgs } });
  expect(all.map(({ path }) => path)).toEqual(flags.map((flag) => ['apiServer', 'extraArgs', flag]));
  for (const { message } of all) expect(message).toMatch(/ allows everything to everyone$/);
});

it('finds variables that etcd does not read beside its file', () => {
  const environment = { ETCD_QUOTA_BACKEND_BYTES: '1', ETCD_UNSUPPORTED_ARCH: 'arm', GOGC: '50' };
  expect(found({ etcd: { ...NONE, environment } })).toEqual([
    {
      path: ['etcd', 'environment', 'ETCD_QUOTA_BACKEND_BYTES'],
      message: 'etcd does not heed ETCD_QUOTA_BACKEND_BYTES beside its configuration file',
      hint: 'write quota-backend-bytes into etcd.config',
    },
  ]);
});
