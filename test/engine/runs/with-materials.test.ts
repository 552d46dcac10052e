import { expect, it, vi } from 'vitest';
import type { EngineInput } from '../../../src/engine/input.ts';
import { describedStages } from '../../../src/engine/plan/named-stages.ts';
import { withMaterials } from '../../../src/engine/runs/with-materials.ts';
import { anyArtifact, factsOf, hostFacts, labCluster } from '../../states/cluster.ts';

it.each([
  ['of one kind', ['arm64', 'arm64'], ['arm64']],
  ['of two', ['arm64', 'amd64'], ['amd64', 'arm64']],
  ['that preflight refuses', ['s390x', 'amd64'], ['amd64']],
])(
  'the binaries are those of the processors that hosts have, whatever this machine is: %s',
  async (_name, hosts, asked) => {
    const seen: (readonly string[])[] = [];
    const openArtifacts: EngineInput['openArtifacts'] = (_cluster, arches) => {
      seen.push(arches);
      return Promise.resolve(anyArtifact);
    };
    const facts = factsOf(await labCluster(), {
      hosts: new Map(hosts.map((arch, index) => [`m${String(index)}`, hostFacts('10.0.0.1', { arch })])),
    });
    const ready = await withMaterials({ stages: [], openArtifacts } as unknown as EngineInput, facts);
    expect([seen, ready.artifacts]).toEqual([[asked], anyArtifact]);
  },
);

it.each([
  ['of no stage that describes them', {}, 0],
  ['of all stages', { manifests: true as const }, 1],
])('manifests are fetched for the stages that describe them alone: %s', async (_name, more, fetched) => {
  const openManifests = vi.fn<EngineInput['openManifests']>(() => Promise.resolve(new Map()));
  const stages = [{ name: 'etcd' }, { name: 'addons', ...more }];
  const input = { stages, manifests: new Map(), openArtifacts: () => Promise.resolve(anyArtifact), openManifests };
  await withMaterials(input as unknown as EngineInput, factsOf(await labCluster(), {}));
  expect(openManifests).toHaveBeenCalledTimes(fetched);
});

it.each([
  ['only one of them', { only: new Set(['addons']) }, ['etcd', 'addons']],
  ['another', { only: new Set(['etcd']) }, ['etcd']],
  ['all but it', { skip: new Set(['addons']) }, ['etcd']],
  ['all', {}, ['etcd', 'addons']],
])('a stage of manifests is described where it is asked for: %s', (_name, selection, names) => {
  const stages = [{ name: 'etcd' }, { name: 'addons', manifests: true }];
  const input = { stages, selection } as unknown as EngineInput;
  expect(describedStages(input).map(({ name }) => name)).toEqual(names);
});
