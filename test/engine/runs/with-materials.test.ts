import { describe, expect, it, vi } from 'vitest';
import type { EngineInput } from '../../../src/engine/input.ts';
import { McpkError, type FailureList } from '../../../src/core/errors.ts';
import { readManifests, withMaterials } from '../../../src/engine/runs/with-materials.ts';
import { anyArtifact, factsOf, hostFacts, labCluster } from '../../states/cluster.ts';

const KNOWN = { network: [] };
const stage = (name: string, manifests?: true): unknown => ({
  name,
  needs: [],
  states: () => KNOWN,
  ...(manifests && { manifests }),
});
const SENDS = { ...(stage('artifacts') as object), binaries: true };

it.each<[string, EngineInput['selection'], number]>([
  ['all', {}, 1],
  ['the stage that sends them', { only: new Set(['artifacts']) }, 1],
  ['one that needs it', { only: new Set(['etcd']) }, 1],
  ['one that does not', { only: new Set(['system']) }, 0],
  ['all but what needs it', { skip: new Set(['artifacts', 'etcd']) }, 0],
  ['what needs it, without it', { skip: new Set(['artifacts']) }, 1],
])('binaries are fetched only where the stage that sends them is in scope: %s', async (_name, selection, fetched) => {
  const openArtifacts = vi.fn<EngineInput['openArtifacts']>(() => Promise.resolve(anyArtifact));
  const stages = [SENDS, stage('system'), { ...(stage('etcd') as object), needs: ['artifacts'] }];
  const input = { stages, selection, openArtifacts, signal: new AbortController().signal };
  const { artifacts } = await withMaterials(input as unknown as EngineInput, factsOf(await labCluster()));
  expect(openArtifacts).toHaveBeenCalledTimes(fetched);
  // What describes hosts by them is compared all the same, and stands in no plan.
  expect(artifacts.get('etcd', 'amd64').name).toBe('etcd');
});

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
    const input = { stages: [SENDS], selection: {}, openArtifacts, signal: new AbortController().signal };
    const ready = await withMaterials(input as unknown as EngineInput, facts);
    expect([seen, ready.artifacts]).toEqual([[asked], anyArtifact]);
  },
);

describe('manifests', () => {
  const STAGES = [stage('etcd'), stage('calico', true), stage('addons', true)];
  const asking = (selection: EngineInput['selection'], openManifests: EngineInput['openManifests']): EngineInput =>
    ({ stages: STAGES, selection, openManifests }) as unknown as EngineInput;

  it.each([
    ['all', {}, 1],
    ['one of them', { only: new Set(['addons']) }, 1],
    ['another', { only: new Set(['etcd']) }, 0],
    ['all but one of them', { skip: new Set(['addons']) }, 1],
    ['all but them', { skip: new Set(['calico', 'addons']) }, 0],
  ])('are fetched for the stages alone that describe them and are asked for: %s', async (_name, selection, fetched) => {
    const openManifests = vi.fn<EngineInput['openManifests']>(() => Promise.resolve(new Map()));
    const { stages } = await readManifests(asking(selection, openManifests));
    expect(openManifests).toHaveBeenCalledTimes(fetched);
    const known = (stages as unknown as { name: string; states(): unknown }[]).flatMap((each) =>
      each.states() === KNOWN ? [each.name] : [],
    );
    // What is owned of a stage that is not known stays: nothing says that it shall leave.
    expect(known).toEqual(fetched === 1 ? ['etcd', 'calico', 'addons'] : ['etcd']);
  });

  const failing = (): Promise<never> =>
    Promise.reject(new McpkError('fetch', "can't download x", { hint: 'Mirror it.' }));

  it.each([
    ['who skips one that reads them is told of the others', { skip: new Set(['calico']) }, 'Mirror it. addons reads it too: --skip calico,addons goes without.'], // prettier-ignore
    ['who skips another is not', { skip: new Set(['etcd']) }, 'Mirror it.'],
  ])('that cannot be fetched: %s', async (_name, selection, hint) => {
    await expect(readManifests(asking(selection, failing))).rejects.toMatchObject({ hint });
  });

  it('and binaries that cannot be fetched are told at once', async () => {
    const input = {
      ...asking({}, failing),
      stages: [SENDS, ...STAGES] as unknown as EngineInput['stages'],
      openArtifacts: () => Promise.reject(new McpkError('fetch', "can't download y")),
      signal: new AbortController().signal,
    };
    const error: unknown = await withMaterials(input, factsOf(await labCluster(), {})).catch(
      (thrown: unknown) => thrown,
    );
    expect((error as FailureList).errors.map(({ message }) => message)).toEqual([
      "can't download x",
      "can't download y",
    ]);
  });
});
