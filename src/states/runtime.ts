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
import { versionInquiry } from './containerd/version.ts';
import { nodeBatches, nodeHosts } from './node-rollout.ts';
import type { Stage, StateContext } from './stage.ts';

/** Held: an upgrade in the night would restart it under the pods, and 2.x wants another configuration. */
function packages({ versions: { containerd } }: Cluster): PackageResource[] {
  const version = containerd === undefined ? {} : { version: containerd };
  return [
    { kind: 'package', name: 'runc', units: [], hold: true },
    { kind: 'package', name: 'containerd', ...version, units: [CONTAINERD.unit], hold: true },
  ];
}

export const runtime: Stage = {
  name: 'runtime',
  title: 'Container runtime',
  about: 'containerd with registries and proxies, and the CNI plugins',
  hosts: nodeHosts,
  needs: ['artifacts', 'system'],
  states: containerdStates,
  inquire: versionInquiry,
  rollout: nodeBatches,
  gate: ({ hosts }) => hosts.map(runtimeAnswers),
};

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
