import { expect, it } from 'vitest';
import { FIVE, loadYaml } from './load-text.ts';

const REFUSES = 'the kubelet does not start with it';

it.each([
  ['cpuManagerPolicy: Static', `cpuManagerPolicy: "Static" is none of none, static: ${REFUSES}; did you mean static?`],
  [
    'memoryManagerPolicy: static',
    `memoryManagerPolicy: "static" is none of None, Static: ${REFUSES}; did you mean Static?`,
  ],
  [
    'topologyManagerPolicy: besteffort',
    `topologyManagerPolicy: "besteffort" is none of none, best-effort, restricted, single-numa-node: ${REFUSES}; did you mean best-effort?`,
  ],
  [
    'topologyManagerScope: pods',
    `topologyManagerScope: "pods" is none of container, pod: ${REFUSES}; did you mean pod?`,
  ],
  [
    'memorySwap: { swapBehavior: UnlimitedSwap }',
    `memorySwap.swapBehavior: "UnlimitedSwap" is none of NoSwap, LimitedSwap: ${REFUSES}; did you mean LimitedSwap?`,
  ],
  [
    'enforceNodeAllocatable: [pods, kube]',
    `enforceNodeAllocatable[1]: "kube" is none of pods, system-reserved, system-reserved-compressible, kube-reserved, kube-reserved-compressible, none: ${REFUSES}`,
  ],
  ['imageGCHighThresholdPercent: 101', `imageGCHighThresholdPercent: 101 is not between 0 and 100: ${REFUSES}`],
  [
    'imageGCLowThresholdPercent: 90',
    `imageGCLowThresholdPercent: imageGCLowThresholdPercent 90 is not below imageGCHighThresholdPercent 85: ${REFUSES}`,
  ],
  [
    'imageGCHighThresholdPercent: 70',
    `imageGCHighThresholdPercent: imageGCLowThresholdPercent 80 is not below imageGCHighThresholdPercent 70: ${REFUSES}`,
  ],
  [
    'evictionHard: { memory.availabel: 100Mi }',
    `evictionHard["memory.availabel"]: is not a signal of eviction such as memory.available or nodefs.inodesFree: ${REFUSES}; did you mean memory.available?`,
  ],
  [
    'evictionHard: { memory.available: 100MB }',
    `evictionHard["memory.available"]: "100MB" is not a quantity above 0 such as 500Mi, or a percentage such as 10%: ${REFUSES}`,
  ],
  [
    'evictionHard: { memory.available: 101% }',
    `evictionHard["memory.available"]: "101%" is not a quantity above 0 such as 500Mi, or a percentage such as 10%: ${REFUSES}`,
  ],
  [
    'evictionSoft: { memory.available: 500Mi }',
    `evictionSoft["memory.available"]: has no period beside it in evictionSoftGracePeriod, such as 1m30s: ${REFUSES}`,
  ],
  ['kubeReserved: { memory: 1GB }', `kubeReserved.memory: "1GB" is not a quantity such as 500Mi: ${REFUSES}`],
  [
    'systemReserved: { cpus: 100m }',
    `systemReserved.cpus: is not one of cpu, memory, ephemeral-storage, pid: ${REFUSES}; did you mean cpu?`,
  ],
])('kubelet.config: { %s } is told once, with the nearest word', async (config, told) => {
  const { warnings } = await loadYaml(`${FIVE}kubelet: { config: { ${config} } }`);
  expect(warnings?.map((each) => each.replace(/^\S+ /, ''))).toEqual([`kubelet.config.${told}`]);
});

it('stands where it was written', async () => {
  const yaml = 'groups: { worker: { kubelet: { config: { cpuManagerPolicy: dynamic } } } }';
  expect((await loadYaml(FIVE + yaml)).warnings).toEqual([
    `a.yaml:9:60 groups.worker.kubelet.config.cpuManagerPolicy: "dynamic" is none of none, static: ${REFUSES}`,
  ]);
});

it.each([
  'cpuManagerPolicy: static, memoryManagerPolicy: Static, topologyManagerScope: pod, topologyManagerPolicy: ""',
  'imageGCHighThresholdPercent: 100, imageGCLowThresholdPercent: 0, oomScoreAdj: -999, readOnlyPort: 0',
  'evictionHard: { memory.available: 1.5Gi, nodefs.available: 0%, imagefs.inodesFree: 5.5%, pid.available: null }',
  'evictionSoft: { memory.available: "1e9" }, evictionSoftGracePeriod: { memory.available: 1m }',
  'kubeReserved: { cpu: 200m, memory: 1Gi, ephemeral-storage: 1Ei, pid: "0" }, enforceNodeAllocatable: [none]',
])('kubelet.config: { %s } goes', async (config) => {
  expect((await loadYaml(`${FIVE}kubelet: { config: { ${config} } }`)).warnings).toBeUndefined();
});

it('shows no value of the environment', async () => {
  const yaml =
    'kubelet: { config: { cpuManagerPolicy: "${MCPK_A}", evictionHard: { memory.available: "${MCPK_A}" } } }';
  expect((await loadYaml(FIVE + yaml, { HOME: '/h', MCPK_A: 'geheim' })).warnings).toBeUndefined();
});
