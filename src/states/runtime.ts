import type { Facts } from '../cluster/facts.ts';
import { hasLaid } from '../cluster/laid.ts';
import { runtimeAnswers } from '../cluster/runtime.ts';
import { secretly } from '../core/secret.ts';
import type { Cluster } from '../inventory/types.ts';
import { toToml } from '../render/toml.ts';
import { ref } from '../resources/kinds.ts';
import type { FileResource, PackageResource, Ref, Resource, UnitResource } from '../resources/types.ts';
import { directory, file, inputs } from './build.ts';
import { cniPlugins } from './cni.ts';
import { CONTAINERD, containerdConfig, containerdMajor } from './containerd/config.ts';
import { proxyFiles } from './containerd/proxy.ts';
import { registryFiles } from './containerd/registries.ts';
import { nodeBatches, nodeHosts } from './node-rollout.ts';
import { emptyingInTurn, filling, nodesUnknown } from './drains.ts';
import { heldPackage, versionInquiry } from './packages.ts';
import type { AroundContext, Moving, Stage, StateContext, Steps } from './stage.ts';

function packages(cluster: Cluster): PackageResource[] {
  return [
    { kind: 'package', name: 'runc', units: [], hold: true },
    { ...heldPackage(cluster, 'containerd', CONTAINERD.unit), moves: ['runc'] },
  ];
}

export const runtime: Stage = {
  name: 'runtime',
  title: 'Container runtime',
  about:
    'containerd with registries and proxies, and the CNI plugins; a node is drained when its containerd gets another version, with `nodes` where that changes it too',
  hosts: nodeHosts,
  needs: ['artifacts', 'system'],
  // As of `nodes`, which drains too.
  drainsAfter: ['api-access', 'controllers', 'keepalived'],
  states: containerdStates,
  inquire: versionInquiry('containerd', nodeHosts),
  rollout: nodeBatches,
  down: (cluster, facts) => nodeHosts(cluster).flatMap(({ name }) => (isDown(facts, name) ? [name] : [])),
  waits: (_cluster, facts, moving) => nodesUnknown(facts, withNewContainerd([...moving.keys()], moving)),
  around,
  gate: ({ hosts }) => hosts.map(runtimeAnswers),
};

/** Where its process is away, or the kubelet that asks it says that something is wrong, no pod ends either. */
function isDown({ hosts, nodes }: Facts, name: string): boolean {
  const own = hosts.get(name);
  return hasLaid(own, 'runtime') && (own?.runs.containerd === undefined || nodes?.get(name)?.ready === false);
}

/** Pods may not outlive another version of what runs them; its configuration and runc they do. */
function around({ cluster, facts, batch, moving }: AroundContext): Steps {
  const moved = withNewContainerd(batch, moving).filter((name) => facts.nodes?.has(name) && !isDown(facts, name));
  return { before: emptyingInTurn(cluster, facts, moved), after: [], held: filling(cluster, facts, moved) };
}

/** Hosts whose containerd gets another version. */
export function withNewContainerd(hosts: readonly string[], moving?: Moving): string[] {
  return hosts.filter((host) => moving?.get(host)?.includes('containerd'));
}

function containerdStates(context: StateContext): Resource[] {
  const { cluster, host, own } = context;
  const registries = registryFiles(cluster.registries);
  const proxies = proxyFiles(cluster);
  const config = configFile(containerdConfig(cluster, host, containerdMajor(own.os, cluster.versions.containerd)));
  return [
    ...packages(cluster),
    ...cniPlugins(context),
    directory(CONTAINERD.folder),
    directory(CONTAINERD.certs),
    ...registries,
    ...proxies,
    config,
    unit(config, registries, proxies),
  ];
}

function configFile(config: Readonly<Record<string, unknown>>): FileResource {
  return {
    ...file(CONTAINERD.config, secretly(config, toToml)),
    validate: ['containerd', '--config', '{}', 'config', 'dump'],
    requires: ['package:containerd'],
  };
}

function unit(config: FileResource, registries: readonly Resource[], proxies: readonly Resource[]): UnitResource {
  const files = (all: readonly Resource[]): Ref[] => all.filter((each) => each.kind === 'file').map(ref);
  return {
    kind: 'unit',
    name: CONTAINERD.unit,
    enabled: true,
    state: 'running',
    timeout: 60,
    inputs: [
      ...inputs('restart', ['package:containerd', ref(config), ...files(proxies)]),
      ...inputs('live', ['package:runc', ...files(registries)]),
    ],
  };
}
