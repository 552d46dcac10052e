import { describe, expect, it } from 'vitest';
import { FIVE, loadYaml, mistakesOf } from './load-text.ts';

const plain = async (text: string): Promise<string[]> =>
  (await mistakesOf(FIVE + text)).map((line) => line.replace(/^a\.yaml:\d+:\d+ /, ''));

describe('a flag that follows from a setting', () => {
  it.each([
    ['apiServer', 'secure-port', '7443', 'apiServer.port'],
    ['apiServer', 'bind-address', '127.0.0.1', 'mcpk'],
    ['apiServer', 'advertise-address', '10.0.0.1', 'internalAddress'],
    ['apiServer', 'etcd-servers', 'https://10.0.0.1:2379', 'internalAddress'],
    ['apiServer', 'etcd-servers', 'null', 'internalAddress'],
    ['apiServer', 'service-cluster-ip-range', '10.1.0.0/16', 'network.serviceCidr'],
    ['apiServer', 'admission-control-config-file', '/x', 'apiServer.admission'],
    ['controllerManager', 'service-cluster-ip-range', '10.1.0.0/16', 'network.serviceCidr'],
    ['controllerManager', 'cluster-cidr', '"fd00::/64,10.244.0.0/16"', 'network.podCidr'],
    ['controllerManager', 'kubeconfig', '/x', 'mcpk'],
    ['kubelet', 'config', '/x', 'kubelet.config'],
    ['kubelet', 'kubeconfig', '/x', 'mcpk'],
    ['kubelet', 'node-ip', '1.2.3.4', 'internalAddress of each host'],
    ['kubelet', 'node-ip', '1', 'internalAddress of each host'],
    ['kubelet', 'cluster-domain', 'x.local', 'network.domain'],
    ['kubelet', 'hostname-override', 'x', 'the name of each host'],
    ['kubeProxy', 'hostname-override', 'x', 'the name of each host'],
    ['etcd', 'name', 'x', 'the names of the hosts'],
    ['etcd', 'data-dir', '/x', 'etcd.dataDirectory'],
    ['etcd', 'initial-cluster', 'm1=https://10.0.0.1:2380', 'the names of the hosts'],
    ['etcd', 'initial-cluster-token', 'x', 'name'],
    ['etcd', 'listen-client-urls', 'https://0.0.0.0:2379', 'internalAddress'],
    ['etcd', 'listen-metrics-urls', 'http://0.0.0.0:2381', 'mcpk'],
  ])('%s --%s=%s is refused', async (section, flag, value, by) => {
    const message = `${section}.extraArgs.${flag}: is set by ${by}`;
    expect(await plain(`${section}: { extraArgs: { ${flag}: ${value} } }`)).toEqual([
      expect.stringContaining(message) as string,
    ]);
  });

  it.each([
    ['etcd: { config: { data-dir: /x } }', 'etcd.config.data-dir: is set by etcd.dataDirectory'],
    [
      'groups: { worker: { kubelet: { extraArgs: { hostname-override: x } } } }',
      'groups.worker.kubelet.extraArgs.hostname-override: is set by the name of each host',
    ],
    [
      'groups: { worker: { kubelet: { extraArgs: { node-ip: 1.2.3.4 } } } }',
      'groups.worker.kubelet.extraArgs.node-ip: is set by internalAddress of each host, which comes first; an address of IPv6 may follow',
    ],
    [
      'network: { serviceCidr: x }\napiServer: { extraArgs: { service-cluster-ip-range: 10.1.0.0/16 } }',
      expect.stringMatching(/^network\.serviceCidr: "x" is not/) as string,
    ],
  ])('once, where it is written: %s', async (text, message) => {
    expect(await plain(text)).toEqual([message]);
  });

  it.each([
    'apiServer: { extraArgs: { service-cluster-ip-range: "10.254.0.0/16,fd00::/108" } }',
    'controllerManager: { extraArgs: { cluster-cidr: "10.244.0.0/16,fd01::/64" } }',
    'apiServer: { extraArgs: { bind-address: "::" } }',
    'etcd: { config: { listen-metrics-urls: "http://127.0.0.1:2381,http://127.0.0.1:9381" } }',
    'apiServer: { extraArgs: { service-account-issuer: "https://id.example.org", etcd-prefix: /other } }',
    'kubelet: { extraArgs: { node-ip: null } }',
    'kubelet: { extraArgs: { cluster-domain: cluster.local } }',
    'apiServer: { files: [{ path: a, content: x }], extraArgs: { token-auth-file: /etc/kubernetes/api-server/files/a } }',
  ])('goes where it says the same and more: %s', async (text) => {
    expect((await loadYaml(FIVE + text)).warnings).toBeUndefined();
  });
});

it('goes with an address of IPv6 behind that of the host', async () => {
  const text = 'kubelet: { extraArgs: { node-ip: "10.0.0.9,fd00::9" } }';
  const one = `name: x\nhosts: [{ name: m1, address: 10.0.0.9, roles: [master, etcd, worker] }]\n${text}`;
  expect((await loadYaml(one)).warnings).toBeUndefined();
});

describe('a flag, or an admission plugin, that its component does not list', () => {
  it.each([
    [
      'kubelet: { extraArgs: { nosuchflag: 1 } }',
      ['kubelet.extraArgs.nosuchflag: kubelet does not list a flag --nosuchflag'],
    ],
    [
      'apiServer: { extraArgs: { audit-log-maxagee: 3 } }',
      ['apiServer.extraArgs.audit-log-maxagee: .*did you mean audit-log-maxage\\?'],
    ],
    [
      'etcd: { extraArgs: { quota-backend-byte: 3 } }',
      ['etcd.extraArgs.quota-backend-byte: .*did you mean quota-backend-bytes\\?'],
    ],
    [
      'groups: { worker: { kubelet: { extraArgs: { max-podss: 3 } } } }',
      ['groups.worker.kubelet.extraArgs.max-podss: .*did you mean max-pods\\?'],
    ],
    [
      'kubelet: { config: { featureGates: { NodeSwop: true, MemoryQoS: true } } }',
      [
        'kubelet.config.featureGates.NodeSwop: mcpk knows of no feature gate NodeSwop: kubelet does not start with one that it does not know; did you mean NodeSwap\\?',
      ],
    ],
    [
      'scheduler: { extraArgs: { feature-gates: "Nope=true,AllAlpha=false" } }',
      ['scheduler.extraArgs.feature-gates: mcpk knows of no feature gate Nope: kube-scheduler does not start'],
    ],
    [
      'apiServer: { extraArgs: { enable-admission-plugins: "PodSecurityPolicy, NodeRestrictio ,AlwaysPullImages" } }',
      [
        'enable-admission-plugins: kube-apiserver does not list an admission plugin PodSecurityPolicy: it does not start with one that it does not know$',
        'enable-admission-plugins: .* plugin NodeRestrictio: .*did you mean NodeRestriction\\?',
      ],
    ],
    [
      'apiServer: { extraArgs: { disable-admission-plugins: Priorityy } }',
      ['disable-admission-plugins: .* plugin Priorityy: .*did you mean Priority\\?'],
    ],
  ])('is told once: %s', async (text, told) => {
    expect((await loadYaml(FIVE + text)).warnings).toEqual(told.map((each) => expect.stringMatching(each) as string));
  });
});

it('PodSecurity that is switched off by a flag alone is told', async () => {
  const off = 'extraArgs: { disable-admission-plugins: "NodeRestriction, PodSecurity" }';
  expect((await loadYaml(`${FIVE}apiServer: { ${off} }`)).warnings).toEqual([
    expect.stringContaining(
      'apiServer.extraArgs.disable-admission-plugins: without PodSecurity no pod is refused',
    ) as string,
  ]);
  const meant = `${FIVE}apiServer: { ${off}, admission: { podSecurity: { enabled: false } } }`;
  expect((await loadYaml(meant)).warnings).toBeUndefined();
});
