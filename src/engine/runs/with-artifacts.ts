import type { Facts } from '../../cluster/facts.ts';
import { ARCHITECTURES } from '../../core/architectures.ts';
import type { EngineInput } from '../input.ts';

/** Which binaries a run needs only hosts can tell, as each says itself what processor it has; others preflight refuses. */
export async function withArtifacts<T extends EngineInput>(input: T, { hosts }: Facts): Promise<T> {
  const present = new Set([...hosts.values()].map(({ arch }) => arch));
  return { ...input, artifacts: await input.openArtifacts(ARCHITECTURES.filter((arch) => present.has(arch))) };
}
