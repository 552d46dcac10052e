import { describe, expect, it } from 'vitest';
import { KUBERNETES } from '../../src/core/versions.ts';
import { readSchema, resolve, type JsonSchema } from '../../src/inventory/schema.ts';
import { FIVE, loadYaml, mistakesOf } from './load-text.ts';

const OLDEST = '{ kubernetes: 1.35.0, etcd: 3.6.6 }';

async function found(yaml: string): Promise<readonly string[]> {
  const lines = await mistakesOf(`${FIVE}${yaml}`);
  return lines.map((line) => line.replace(/^a\.yaml:9:(\d+) /, '$1 '));
}

describe('what does not fit KubeletConfiguration or KubeProxyConfiguration is a mistake', () => {
  it.each<[string, string]>([
    ['kubelet: { config: { maxPod: 50 } }', '22 kubelet.config.maxPod: is not a setting; did you mean maxPods?'],
    ['kubelet: { config: { maxpods: 50 } }', '22 kubelet.config.maxpods: is not a setting; did you mean maxPods?'],
    ['kubelet: { config: { maxPod: null } }', '22 kubelet.config.maxPod: is not a setting; did you mean maxPods?'],
    [
      'kubelet: { config: { garbage: 1 } }',
      '22 kubelet.config.garbage: is not a setting; mcpk explain kubelet.config lists them',
    ],
    [
      'kubelet: { config: { authentication: { x509: { clientCaFle: /x } } } }',
      '48 kubelet.config.authentication.x509.clientCaFle: is not a setting; did you mean clientCAFile?',
    ],
    [
      'kubelet: { config: { registerWithTaints: [{ key: a, efect: NoSchedule }] } }',
      '53 kubelet.config.registerWithTaints[0].efect: is not a setting; did you mean effect?',
    ],
    [
      "kubelet: { config: { maxPods: '50' } }",
      '31 kubelet.config.maxPods: must be a whole number or null, not "50"; did you mean 50?',
    ],
    [
      'kubelet: { config: { evictionHard: { memory.available: 100 } } }',
      `56 kubelet.config.evictionHard["memory.available"]: must be text or null (one line), not 100; did you mean '100'?`,
    ],
    [
      'kubelet: { config: { failSwapOn: yes } }',
      '34 kubelet.config.failSwapOn: must be true or false or null, not "yes"; did you mean true?',
    ],
    [
      'kubelet: { config: { clusterDNS: 10.0.0.10 } }',
      '34 kubelet.config.clusterDNS: must be a list or null, not "10.0.0.10"; did you mean [10.0.0.10]?',
    ],
    [
      'kubelet: { config: { clusterDNS: [null] } }',
      '35 kubelet.config.clusterDNS[0]: must be text (one line), not null',
    ],
    [
      'kubelet: { config: { reservedMemory: [{ limits: { memory: 1GB } }] } }',
      '59 kubelet.config.reservedMemory[0].limits.memory: "1GB" is not a quantity such as 500Mi',
    ],
    [
      'kubelet: { config: { syncFrequency: 60 } }',
      '37 kubelet.config.syncFrequency: must be text or null (a duration such as 30s, 5m or 1h30m), not 60',
    ],
    [
      'kubelet: { config: { syncFrequency: 1d } }',
      '37 kubelet.config.syncFrequency: "1d" is not a duration such as 30s, 5m or 1h30m',
    ],
    [
      'kubelet: { config: { apiVersion: kubelet.config.k8s.io/v1 } }',
      '34 kubelet.config.apiVersion: "kubelet.config.k8s.io/v1" is not kubelet.config.k8s.io/v1beta1',
    ],
    [
      'kubeProxy: { config: { conntrack: { maxPerCores: 0 } } }',
      '37 kubeProxy.config.conntrack.maxPerCores: is not a setting; did you mean maxPerCore?',
    ],
    [
      'groups: { worker: { kubelet: { config: { maxPod: 50 } } } }',
      '42 groups.worker.kubelet.config.maxPod: is not a setting; did you mean maxPods?',
    ],
  ])('%s', async (yaml, line) => {
    expect(await found(yaml)).toEqual([expect.stringContaining(line)]);
  });

  it.each<[string, readonly string[]]>([
    [
      `versions: ${OLDEST}\nkubelet: { config: { defaultPodSysctls: { kernel.shm_rmid_forced: "1" } } }`,
      ['kubelet.config.defaultPodSysctls: came with Kubernetes 1.37, and 1.35.0 does not know it'],
    ],
    [
      `versions: ${OLDEST}\ngroups: { worker: { kubelet: { config: { tlsCurvePreferences: [29] } } } }`,
      ['groups.worker.kubelet.config.tlsCurvePreferences: came with Kubernetes 1.36, and 1.35.0 does not know it'],
    ],
    ['versions: { kubernetes: 1.36 }\nkubelet: { config: { defaultPodSysctls: {} } }', ['versions.kubernetes: ']],
  ])('of a version that came later: %s', async (yaml, lines) => {
    expect(await found(yaml)).toEqual(lines.map((line) => expect.stringContaining(line) as unknown));
  });
});

it.each([
  'kubelet: { config: { kind: KubeletConfiguration, apiVersion: kubelet.config.k8s.io/v1beta1 } }',
  'kubelet: { config: { kubeAPIQPS: 50, memoryThrottlingFactor: 0.9, shutdownGracePeriod: 1m30s, syncFrequency: "0" } }',
  'kubelet: { config: { reservedMemory: [{ numaNode: 0, limits: { memory: 1Gi, hugepages-2Mi: 0 } }] } }',
  'kubelet: { config: { authentication: null, maxPods: null, tlsCipherSuites: null, syncFrequency: null } }',
  'kubeProxy: { config: { logging: { flushFrequency: 5000000000 }, nodePortAddresses: [primary] } }',
  'kubelet: { config: { defaultPodSysctls: { kernel.shm_rmid_forced: "1" } } }',
  `versions: ${OLDEST}\nkubelet: { config: { defaultPodSysctls: null } }`,
])('what fits is none: %s', async (yaml) => {
  await expect(loadYaml(`${FIVE}${yaml}`)).resolves.toBeDefined();
});

it('a number of the environment is one, and no secret', async () => {
  const cluster = await loadYaml(`${FIVE}kubelet:\n  config:\n    maxPods: \${MCPK_PODS}`, {
    HOME: '/root',
    MCPK_PODS: '50',
  });
  expect(cluster.kubelet.config).toEqual({ maxPods: 50 });
});

it('versions in which fields came are later ones of those that mcpk takes', () => {
  const [, ...later] = Object.keys(KUBERNETES);
  const schema = readSchema();
  const versions: string[] = [];
  const visit = (rule: JsonSchema): void => {
    if (rule['x-since'] !== undefined) versions.push(rule['x-since']);
    for (const child of [...Object.values(rule.properties ?? {}), rule.items ?? []].flat())
      visit(resolve(child, schema));
  };
  for (const name of ['kubeletConfiguration', 'kubeProxyConfiguration']) visit(schema.definitions?.[name] ?? {});
  expect(versions.length).toBeGreaterThan(0);
  expect(versions.filter((each) => !later.includes(each))).toEqual([]);
});
