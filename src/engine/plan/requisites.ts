import { McpkError } from '../../core/errors.ts';
import { ref } from '../../resources/kinds.ts';
import type { Ref, Resource } from '../../resources/types.ts';
import type { StateTree } from '../types.ts';

type StageTree = StateTree['stages'][number];

/**
 * What a resource names must be described on its host, by its own stage or by one that comes before it: else nothing
 * would be waited for. Throws `invalid`. A deferred stage may yet describe it, so what comes after one is not refused.
 */
export function checkRequisites(stages: readonly StageTree[]): void {
  const needed = neededStages(stages);
  const describedBy = stagesOfResources(stages);
  const waiting = new Set(stages.filter((stage) => stage.deferred !== undefined).map((stage) => stage.name));
  for (const { host, stage, resources } of stages.flatMap((each) => each.hosts)) {
    const before = needed.get(stage) ?? new Set();
    for (const resource of resources)
      for (const name of namedBy(resource)) {
        const owner = describedBy.get(host)?.get(name);
        if (owner === undefined && [...before].some((each) => waiting.has(each))) continue;
        if (owner === stage || (owner !== undefined && before.has(owner))) continue;
        throw unmet(`${stage} on ${host}: ${ref(resource)} needs ${name}`, stage, owner);
      }
  }
}

function unmet(what: string, stage: string, owner: string | undefined): McpkError {
  if (owner === undefined)
    return new McpkError('invalid', `${what}, which no stage describes there`, {
      hint: 'Name a resource of the same host, or leave the requisite out.',
    });
  return new McpkError('invalid', `${what}, which ${owner} describes, and ${stage} does not come after it`, {
    hint: `Let ${stage} need the stage ${owner}.`,
  });
}

/** By the resource itself; what is implied by a path may well be there without us. */
function namedBy(resource: Resource): Ref[] {
  const inputs = resource.kind === 'unit' ? resource.inputs.map((input) => input.ref) : [];
  return [...(resource.requires ?? []), ...inputs];
}

/** host → ref → stage. */
function stagesOfResources(stages: readonly StageTree[]): Map<string, Map<Ref, string>> {
  const found = new Map<string, Map<Ref, string>>();
  for (const { host, stage, resources } of stages.flatMap((each) => each.hosts)) {
    const known = found.get(host) ?? new Map<Ref, string>();
    found.set(host, known);
    for (const resource of resources) known.set(ref(resource), stage);
  }
  return found;
}

/** stage → all that it needs, by way of others too. Needs come earlier in the array. */
function neededStages(stages: readonly StageTree[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { name, needs } of stages)
    found.set(name, new Set(needs.flatMap((need) => [need, ...(found.get(need) ?? [])])));
  return found;
}
