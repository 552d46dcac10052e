import type { Facts } from '../cluster/facts.ts';
import { hasLaid } from '../cluster/laid.ts';
import { runtimeAnswers } from '../cluster/runtime.ts';
import { secretly } from '../core/secret.ts';
import { CONTAINERD_PROGRAMS, isOfUpstream } from '../core/upstream-runtime.ts';
import type { Cluster } from '../inventory/types.ts';
import { render } from '../render/render.ts';
import { toToml } from '../render/toml.ts';
import { ref } from '../resources/kinds.ts';
import type { FileResource, PackageResource, Ref, Resource, UnitResource } from '../resources/types.ts';
import { directory, file, inputs, linkTo, unitPath } from './build.ts';
import { cniPlugins } from './cni.ts';
import { CONTAINERD, containerdConfig, containerdMajor } from './containerd/config.ts';
import { proxyFiles } from './containerd/proxy.ts';
import { registryFiles } from './containerd/registries.ts';
import { formerPackages, runtimeTooOld } from './containerd/source.ts';
import { nodeBatches, nodeHosts } from './node-rollout.ts';
import { emptyingInTurn, filling, nodesUnknown } from './drains.ts';
import { heldPackage, versionInquiry } from './packages.ts';
import type { AroundContext, Stage, StateContext, Steps } from './stage.ts';

function packages(cluster: Cluster): PackageResource[] {
  return [
    { kind: 'package', name: 'runc', units: [], hold: true },
    { ...heldPackage(cluster, 'containerd', CONTAINERD.unit), moves: ['runc'] },
  ];
}

/** What runs containers: `started` anew where it changes, the rest is read by each container that starts. */
interface Runtime {
  resources: Resource[];
  started: Ref[];
  read: Ref[];
}

function ofPackages(cluster: Cluster): Runtime {
  return { resources: packages(cluster), started: ['package:containerd'], read: ['package:runc'] };
}

/** Its unit is upstream's own (containerd.service of its repository), and comes before one that a package has. */
function ofUpstream(context: StateContext): Runtime {
  const [daemon, ...besides] = CONTAINERD_PROGRAMS;
  const containerd = linkTo(daemon, context);
  const others = [...besides, 'runc'].map((name) => linkTo(name, context));
  const unitFile = file(unitPath(CONTAINERD.unit), render('containerd/containerd.service', {}));
  return {
    resources: [...formerPackages(context.own), containerd, ...others, unitFile],
    started: [ref(containerd), ref(unitFile)],
    read: others.map(ref),
  };
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
  inquire: (context) => (isOfUpstream(context.cluster) ? undefined : packageInquiry(context)),
  problems: runtimeTooOld,
  rollout: nodeBatches,
  down: (cluster, facts) => nodeHosts(cluster).flatMap(({ name }) => (isDown(facts, name) ? [name] : [])),
  waits: (cluster, facts, moving) =>
    nodesUnknown(facts, withNewContainerd([...moving.keys()], { cluster, facts, moving })),
  around,
  gate: ({ hosts }) => hosts.map(runtimeAnswers),
};

const packageInquiry = versionInquiry('containerd', nodeHosts);

/** Where its process is away, or the kubelet that asks it says that something is wrong, no pod ends either. */
function isDown({ hosts, nodes }: Facts, name: string): boolean {
  const own = hosts.get(name);
  return hasLaid(own, 'runtime') && (own?.runs.containerd === undefined || nodes?.get(name)?.ready === false);
}

/** Pods may not outlive another version of what runs them; its configuration and runc they do. */
function around(context: AroundContext): Steps {
  const { cluster, facts, batch } = context;
  const moved = withNewContainerd(batch, context).filter((name) => facts.nodes?.has(name) && !isDown(facts, name));
  return { before: emptyingInTurn(cluster, facts, moved), after: [], held: filling(cluster, facts, moved) };
}

/** Hosts whose containerd gets another version: none where only the link to the one that runs was lost, and is mended. */
export function withNewContainerd(
  hosts: readonly string[],
  { cluster, facts, moving, brings }: Pick<AroundContext, 'cluster' | 'facts' | 'moving' | 'brings'>,
): string[] {
  // What goes back has the version of some earlier inventory.
  const wanted = isOfUpstream(cluster) && brings === undefined ? cluster.versions.containerd : undefined;
  return hosts.filter((host) => {
    const stays = wanted !== undefined && facts.hosts.get(host)?.runs.containerd === wanted;
    return !stays && moving?.get(host)?.includes('containerd');
  });
}

function containerdStates(context: StateContext): Resource[] {
  const { cluster, host, own } = context;
  const registries = registryFiles(cluster.registries);
  const proxies = proxyFiles(cluster);
  const runs = isOfUpstream(cluster) ? ofUpstream(context) : ofPackages(cluster);
  const major = containerdMajor(own.os, cluster.versions.containerd);
  const config = configFile(containerdConfig(cluster, host, major), runs.started);
  return [
    ...runs.resources,
    ...cniPlugins(context),
    directory(CONTAINERD.folder),
    directory(CONTAINERD.certs),
    ...registries,
    ...proxies,
    config,
    unit(
      [...runs.started, ref(config), ...proxies.filter(isFile).map(ref)],
      [...runs.read, ...registries.filter(isFile).map(ref)],
    ),
  ];
}

/** `reader`: what reads it. */
function configFile(config: Readonly<Record<string, unknown>>, reader: readonly Ref[]): FileResource {
  return {
    ...file(CONTAINERD.config, secretly(config, toToml)),
    validate: ['containerd', '--config', '{}', 'config', 'dump'],
    requires: [...reader],
  };
}

function isFile({ kind }: Resource): boolean {
  return kind === 'file';
}

function unit(started: readonly Ref[], read: readonly Ref[]): UnitResource {
  return {
    kind: 'unit',
    name: CONTAINERD.unit,
    enabled: true,
    state: 'running',
    timeout: 60,
    inputs: [...inputs('restart', started), ...inputs('live', read)],
  };
}
