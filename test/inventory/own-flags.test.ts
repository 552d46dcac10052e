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
    'apiServer: { files: [{ path: a, content: x }], extraArgs: { x: /etc/kubernetes/api-server/files/a } }',
  ])('goes where it says the same and more: %s', async (text) => {
    expect((await loadYaml(FIVE + text)).warnings).toBeUndefined();
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
