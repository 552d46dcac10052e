import { isDeepStrictEqual } from 'node:util';
import { McpkError } from '../../core/errors.ts';
import { atOnce } from '../../core/turns.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import { kindOf, pathsOf, ref } from '../../resources/kinds.ts';
import type { Ref, Resource } from '../../resources/types.ts';
import type { ArtifactIndex, Stage } from '../../states/stage.ts';
import { API } from '../../core/places.ts';
import type { HostStates, StateTree } from '../types.ts';
import { checkClaims } from './claims.ts';
import { checkRequisites } from './requisites.ts';

export interface CompileInput {
  cluster: Cluster;
  facts: Facts;
  stages: readonly Stage[];
  artifacts: ArtifactIndex;
  /** Text of manifests that the inventory names, by name. */
  manifests: ReadonlyMap<string, string>;
}

/**
 * Describes every stage on every host that answered, and yields after each stage. Pure; throws `invalid` for
 * contradictions between stages.
 */
export function* compiling(input: CompileInput): Generator<undefined, StateTree> {
  const stages: StateTree['stages'][number][] = [];
  for (const stage of input.stages) {
    stages.push(compileStage(stage, input));
    yield;
  }
  checkTree(stages, input.cluster);
  return { hosts: [...input.facts.hosts.keys()], stages };
}

/** What stages say of each other; asked again once a stage that was deferred is known. */
export function checkTree(stages: StateTree['stages'], cluster: Cluster): void {
  checkClaims(
    stages.flatMap((stage) => stage.hosts),
    cluster,
  );
  checkRequisites(stages);
}

/** {@link compiling} in one piece. */
export function compile(input: CompileInput): StateTree {
  return atOnce(compiling(input));
}

/** One stage alone: used again for a stage that was deferred. */
export function compileStage(stage: Stage, input: CompileInput): StateTree['stages'][number] {
  const takes = stage.takes?.(input.cluster, input.facts) ?? [];
  const head = {
    name: stage.name,
    title: stage.title,
    needs: stage.needs,
    ...(takes.length === 0 ? {} : { takes }),
  };
  const hosts: HostStates[] = [];
  const candidates = stage.api ? stage.hosts(input.cluster).slice(0, 1) : stage.hosts(input.cluster);
  for (const host of candidates) {
    const own = input.facts.hosts.get(host.name) ?? (stage.api ? [...input.facts.hosts.values()][0] : undefined);
    if (!own) continue;
    const states = stage.states({
      cluster: input.cluster,
      host,
      facts: input.facts,
      own,
      artifacts: input.artifacts,
      manifests: input.manifests,
    });
    if (!Array.isArray(states)) return { ...head, hosts: [], deferred: { until: states.until, why: states.why } };
    const name = stage.api ? API : host.name;
    for (const resource of states) checkPaths(resource, stage.name, name);
    hosts.push({ host: name, stage: stage.name, resources: inOrder(states, `${stage.name} on ${name}`) });
  }
  return { ...head, hosts };
}

/** Requisites first, otherwise as the stage gave them. Requisites on other stages are met by the order of stages. */
export function inOrder(resources: readonly Resource[], where: string): Resource[] {
  const byRef = new Map<Ref, Resource>();
  for (const resource of resources) {
    const before = byRef.get(ref(resource)) ?? resource;
    // Two manifests may bring one Namespace; of two that differ, none is the right one.
    if (!isDeepStrictEqual(before, resource))
      throw new McpkError('invalid', `${where}: ${ref(resource)} is described twice, and differently`);
    byRef.set(ref(resource), resource);
  }
  const done = new Set<Ref>();
  const open = new Set<Ref>();
  const ordered: Resource[] = [];
  const visit = (resource: Resource): void => {
    const name = ref(resource);
    if (done.has(name)) return;
    if (open.has(name)) throw new McpkError('invalid', `${where}: requisites of ${name} form a circle`);
    open.add(name);
    for (const needed of [...kindOf(resource).implied(resource), ...(resource.requires ?? [])]) {
      const other = byRef.get(needed);
      if (other && other !== resource) visit(other);
    }
    open.delete(name);
    done.add(name);
    ordered.push(resource);
  };
  for (const resource of resources) visit(resource);
  return ordered;
}

function checkPaths(resource: Resource, stage: string, host: string): void {
  const wrong = pathsOf(resource).find(
    (path) =>
      !path.startsWith('/') ||
      /[\u0000-\u001f\u007f\\]/.test(path) ||
      // By another name it would be another path, and two resources could share it.
      path.split('/').some((part, index) => index > 0 && ['', '.', '..'].includes(part)),
  );
  if (wrong === undefined) return;
  throw new McpkError('invalid', `${stage} on ${host}: ${JSON.stringify(wrong)} can't be the path of a resource`, {
    hint: 'Paths are absolute, without control characters, backslashes, empty parts, "." and "..".',
  });
}
