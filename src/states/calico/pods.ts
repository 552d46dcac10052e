import { isMap } from '../../core/merge.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { KubeObject } from '../kube-objects.ts';

type Tree = Readonly<Record<string, unknown>>;

/** The lists of containers in the specification of a pod. */
const CONTAINERS = ['initContainers', 'containers'];

/** Checks of BIRD, which does not run with VXLAN. */
const BIRD_CHECKS = ['-bird-live', '-bird-ready'];

/** Gives the pods of a workload another registry, if one is given, and probes; other objects come back as they are. */
export function adaptPods(object: KubeObject, registry: string | undefined): KubeObject {
  return mapContainers(object, (container) => withStartupProbe(fromRegistry(container, registry)));
}

function fromRegistry(container: Tree, registry: string | undefined): Tree {
  const { image } = container;
  if (registry === undefined || typeof image !== 'string') return container;
  return { ...container, image: `${registry}/${image.slice(image.lastIndexOf('/') + 1)}` };
}

/**
 * Whether it is ready is asked every 2 s until it is for the first time: upstream asks every 10 s, and a rollout would
 * wait for that on each node. Not asked of BIRD, whose peers may be away: a container that has not started after 10
 * minutes is started again.
 */
function withStartupProbe(container: Tree): Tree {
  const { readinessProbe, startupProbe } = container;
  if (!isMap(readinessProbe) || startupProbe !== undefined) return container;
  const often = { periodSeconds: 2, failureThreshold: 300, successThreshold: 1 };
  return { ...container, startupProbe: { ...withoutBird(readinessProbe), ...often } };
}

/** Whether an object is a workload whose pods get addresses from the network. */
export function isOnNetwork(object: KubeObject): boolean {
  const pod = podOf(object);
  return pod !== undefined && pod['hostNetwork'] !== true;
}

/** The images of a workload's pods. */
export function imagesOf(object: KubeObject): string[] {
  const pod = podOf(object) ?? {};
  return CONTAINERS.flatMap((key) => {
    const list = pod[key];
    return Array.isArray(list) ? list.filter(isMap).map(({ image }) => image) : [];
  }).filter((image) => typeof image === 'string');
}

/** Settings of the DaemonSet's own container; the pool's are read only when there is no pool yet. */
export function adaptNode(object: KubeObject, cluster: Cluster): KubeObject {
  const { podCidr, calico } = cluster.network;
  const vxlan = calico.encapsulation === 'vxlan';
  const environment = {
    CALICO_IPV4POOL_CIDR: podCidr,
    CALICO_IPV4POOL_IPIP: calico.encapsulation === 'ipip' ? 'Always' : 'Never',
    CALICO_IPV4POOL_VXLAN: vxlan ? 'Always' : 'Never',
    // The first address that it finds could be the VIP, which sits on the same interface.
    IP_AUTODETECTION_METHOD: 'kubernetes-internal-ip',
    ...(vxlan ? {} : { AS: String(calico.asNumber) }),
  };
  return mapContainers(object, (container) => {
    if (container['name'] !== 'calico-node') return container;
    const set = { ...container, env: withEnvironment(container['env'], environment) };
    return vxlan ? { ...set, ...probesWithoutBird(container) } : set;
  });
}

/** Variables in the manifest's order, replaced in their place; new ones follow. */
function withEnvironment(env: unknown, wanted: Readonly<Record<string, string>>): unknown[] {
  const present = Array.isArray(env) ? env.filter(isMap) : [];
  const names = new Set(present.map((each) => each['name']));
  const replaced = present.map((each) => {
    const value = wanted[String(each['name'])];
    return value === undefined ? each : { name: each['name'], value };
  });
  return [
    ...replaced,
    ...Object.entries(wanted).flatMap(([name, value]) => (names.has(name) ? [] : [{ name, value }])),
  ];
}

function probesWithoutBird(container: Tree): Tree {
  const probes = ['livenessProbe', 'readinessProbe'].map((name) => [name, container[name]] as const);
  return Object.fromEntries(probes.flatMap(([name, probe]) => (isMap(probe) ? [[name, withoutBird(probe)]] : [])));
}

function withoutBird(probe: Tree): Tree {
  const { exec } = probe;
  if (!isMap(exec) || !Array.isArray(exec['command'])) return probe;
  const command = exec['command'].filter((word) => !BIRD_CHECKS.includes(String(word)));
  return { ...probe, exec: { ...exec, command } };
}

/** The specification of a workload's pods. */
function podOf({ spec }: KubeObject): Tree | undefined {
  const template = isMap(spec) ? spec['template'] : undefined;
  const pod = isMap(template) ? template['spec'] : undefined;
  return isMap(pod) ? pod : undefined;
}

/** Every container and init container of a workload's pod template. */
function mapContainers(object: KubeObject, change: (container: Tree) => Tree): KubeObject {
  const { spec } = object;
  const template = isMap(spec) ? spec['template'] : undefined;
  const pod = podOf(object);
  if (!isMap(spec) || !isMap(template) || pod === undefined) return object;
  const changed = Object.fromEntries(
    CONTAINERS.flatMap((key) => {
      const list = pod[key];
      return Array.isArray(list) ? [[key, list.filter(isMap).map(change)]] : [];
    }),
  );
  return { ...object, spec: { ...spec, template: { ...template, spec: { ...pod, ...changed } } } };
}
