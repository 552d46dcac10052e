import { expect, it } from 'vitest';
import type { EngineInput } from '../../../src/engine/input.ts';
import { withArtifacts } from '../../../src/engine/runs/with-artifacts.ts';
import { anyArtifact, factsOf, hostFacts, labCluster } from '../../states/cluster.ts';

it.each([
  ['of one kind', ['arm64', 'arm64'], ['arm64']],
  ['of two', ['arm64', 'amd64'], ['amd64', 'arm64']],
  ['that preflight refuses', ['s390x', 'amd64'], ['amd64']],
])(
  'the binaries are those of the processors that hosts have, whatever this machine is: %s',
  async (_name, hosts, asked) => {
    const seen: (readonly string[])[] = [];
    const openArtifacts: EngineInput['openArtifacts'] = (arches) => {
      seen.push(arches);
      return Promise.resolve(anyArtifact);
    };
    const facts = factsOf(await labCluster(), {
      hosts: new Map(hosts.map((arch, index) => [`m${String(index)}`, hostFacts('10.0.0.1', { arch })])),
    });
    const ready = await withArtifacts({ openArtifacts } as unknown as EngineInput, facts);
    expect([seen, ready.artifacts]).toEqual([[asked], anyArtifact]);
  },
);
