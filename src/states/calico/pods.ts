import { isMap } from '../../core/merge.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { KubeObject } from '../kube-objects.ts';

type Container = Readonly<Record<string, unknown>>;

/** Checks of BIRD, which does not run with VXLAN. */
const BIRD_CHECKS = ['-bird-live', '-bird-ready'];

/** Replaces the registry of every image in a workload's pods; other objects come back as they are. */
export function adaptPods(object: KubeObject, registry: string | undefined): KubeObject {
  if (registry === undefined) return object;
  return mapContainers(object, (container) => {
    const { image } = container;
    return typeof image === 'string'
      ? { ...container, image: `${registry}/${image.slice(image.lastIndexOf('/') + 1)}` }
      : container;
  });
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
    return vxlan
      ? { ...set, ...withoutBird(container, 'livenessProbe'), ...withoutBird(container, 'readinessProbe') }
      : set;
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

function withoutBird(container: Container, probe: string): Container {
  const found = container[probe];
  if (!isMap(found) || !isMap(found['exec']) || !Array.isArray(found['exec']['command'])) return {};
  const command = found['exec']['command'].filter((word) => !BIRD_CHECKS.includes(String(word)));
  return { [probe]: { ...found, exec: { ...found['exec'], command } } };
}

/** Every container and init container of a workload's pod template. */
function mapContainers(object: KubeObject, change: (container: Container) => Container): KubeObject {
  const { spec } = object;
  const template = isMap(spec) ? spec['template'] : undefined;
  const pod = isMap(template) ? template['spec'] : undefined;
  if (!isMap(spec) || !isMap(template) || !isMap(pod)) return object;
  const changed = Object.fromEntries(
    ['initContainers', 'containers'].flatMap((key) => {
      const list = pod[key];
      return Array.isArray(list) ? [[key, list.filter(isMap).map(change)]] : [];
    }),
  );
  return { ...object, spec: { ...spec, template: { ...template, spec: { ...pod, ...changed } } } };
}
