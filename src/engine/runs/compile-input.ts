import type { Facts } from '../../cluster/facts.ts';
import type { EngineInput } from '../input.ts';
import type { CompileInput } from '../plan/compile.ts';

/** What the inventory says, and what hosts say of themselves: all that stages describe hosts by. */
export function compileInput(input: EngineInput, facts: Facts): CompileInput {
  return {
    cluster: input.cluster,
    facts,
    stages: input.stages,
    artifacts: input.artifacts,
    manifests: input.manifests,
  };
}
