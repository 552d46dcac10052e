import type { Facts } from '../../cluster/facts.ts';
import { ARCHITECTURES } from '../../core/architectures.ts';
import type { EngineInput } from '../input.ts';

/**
 * Fetches what lacks, so it comes after all that hosts say in seconds: manifests where a stage describes them. Which binaries a run needs only they can tell,
 * as each says itself what processor it has; others preflight refuses.
 */
export async function withMaterials<T extends EngineInput>(input: T, { hosts }: Facts): Promise<T> {
  const present = new Set([...hosts.values()].map(({ arch }) => arch));
  return {
    ...input,
    manifests: input.stages.some((stage) => stage.manifests) ? await input.openManifests() : new Map(),
    artifacts: await input.openArtifacts(
      input.cluster,
      ARCHITECTURES.filter((arch) => present.has(arch)),
    ),
  };
}
