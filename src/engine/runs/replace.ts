import { replacedIs } from '../../cluster/replaced.ts';
import type { EngineInput } from '../input.ts';
import { checkBelonging } from '../read/open.ts';
import { factsOfHosts } from './reading.ts';

/**
 * `mcpk node replace` looks before it takes a host for gone.
 *
 * @throws McpkError `refused` for one that lives, or is another cluster's; `unreachable` where it does not answer
 */
export async function lookAtReplaced(
  { skipUnreachable: _, ...input }: EngineInput,
  name: string,
): Promise<ReturnType<typeof replacedIs>> {
  const asked: EngineInput = { ...input, selection: { limit: new Set([name]) }, emit: () => undefined };
  const { told: facts } = await factsOfHosts(asked);
  checkBelonging(input.cluster, facts);
  const own = facts.hosts.get(name);
  if (own === undefined) throw new Error(`${name} was not read`);
  return replacedIs(input.cluster, name, own);
}
