import { McpkError } from '../core/errors.ts';
import type { Facts } from '../cluster/facts.ts';
import type { Cluster } from '../inventory/types.ts';
import { kindOf } from '../resources/kinds.ts';
import { ref, type Ref, type Resource } from '../resources/types.ts';
import type { ArtifactIndex, Stage } from '../states/stage.ts';
import type { HostStates, StateTree } from './types.ts';

/** The pseudo-host on which kubeObjects live. */
export const API = 'api';

export interface CompileInput {
  cluster: Cluster;
  facts: Facts;
  stages: readonly Stage[];
  artifacts: ArtifactIndex;
  /** Text of manifests that the inventory names, by name. */
  manifests: ReadonlyMap<string, string>;
}

/** Describes every stage on every host that answered. Pure; throws `invalid` for contradictions between stages. */
export function compile(input: CompileInput): StateTree {
  const stages = input.stages.map((stage) => compileStage(stage, input));
  checkUnique(stages.flatMap((stage) => stage.hosts));
  return { hosts: [...input.facts.hosts.keys()], stages };
}

/** One stage alone: used again for a stage that was deferred. */
export function compileStage(stage: Stage, input: CompileInput): StateTree['stages'][number] {
  const head = { name: stage.name, title: stage.title, needs: stage.needs };
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
    for (const resource of states) checkPath(resource, stage.name, name);
    hosts.push({ host: name, stage: stage.name, resources: inOrder(states, `${stage.name} on ${name}`) });
  }
  return { ...head, hosts };
}

/** Requisites first, otherwise as the stage gave them. Requisites on other stages are met by the order of stages. */
export function inOrder(resources: readonly Resource[], where: string): Resource[] {
  const byRef = new Map<Ref, Resource>(resources.map((resource) => [ref(resource), resource]));
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

function checkUnique(all: readonly HostStates[]): void {
  const seen = new Map<string, string>();
  for (const states of all) {
    for (const resource of states.resources) {
      const key = `${states.host} ${exclusiveName(resource)}`;
      const before = seen.get(key);
      if (before !== undefined) {
        throw new McpkError(
          'invalid',
          `${ref(resource)} on ${states.host} is described by two stages: ${before} and ${states.stage}`,
          {
            hint: 'One stage must own it.',
          },
        );
      }
      seen.set(key, states.stage);
    }
  }
}

/** A path is one thing, whether file, link or directory. */
function exclusiveName(resource: Resource): string {
  if (resource.kind === 'file' && resource.block !== undefined) return `block ${resource.path} ${resource.block}`;
  return resource.kind === 'file' || resource.kind === 'link' || resource.kind === 'directory'
    ? `path ${resource.path}`
    : ref(resource);
}

function checkPath(resource: Resource, stage: string, host: string): void {
  if (!('path' in resource)) return;

  if (
    !resource.path.startsWith('/') ||
    /[\u0000-\u001f\u007f\\]/.test(resource.path) ||
    resource.path.includes('/../')
  ) {
    throw new McpkError(
      'invalid',
      `${stage} on ${host}: ${JSON.stringify(resource.path)} can't be the path of a resource`,
      {
        hint: 'Paths are absolute, without control characters, backslashes and "..".',
      },
    );
  }
}
