import { isMap } from '../core/merge.ts';
import type { Cluster } from '../inventory/types.ts';
import { calicoObjectsOf } from './calico/objects.ts';
import { sandboxImage } from './containerd/config.ts';
import { corednsObjects } from './coredns/objects.ts';
import { manifestObjects, readAsOf } from './manifests.ts';
import type { StateContext } from './stage.ts';

/** An image that hosts pull. */
export interface NeededImage {
  /** As it is pulled: registry, name, tag or digest. */
  image: string;
  /** What for; several may want the same. */
  wantedBy: string[];
}

/** All images that a cluster of this inventory pulls, by name. Throws `invalid` for a manifest that can't be read. */
export function neededImages(cluster: Cluster, manifests: StateContext['manifests']): NeededImage[] {
  const { network, onItsNetwork } = calicoObjectsOf(cluster, manifests, cluster.network.mtu);
  const wanted: [string, readonly string[]][] = [
    ['the sandbox of each pod', [sandboxImage(cluster)]],
    ['Calico', [...network, ...onItsNetwork].flatMap(imagesIn)],
    ['CoreDNS', corednsObjects(cluster).flatMap(imagesIn)],
    ...cluster.addons.manifests.map(({ name }): [string, string[]] => [
      `manifest ${name}`,
      readAsOf(name, cluster, () => manifestObjects(name, manifests)).flatMap(imagesIn),
    ]),
    ['the test pods of mcpk verify', [cluster.verify.image]],
  ];
  const byImage = Map.groupBy(
    wanted.flatMap(([by, images]) => images.map((image) => ({ by, image }))),
    ({ image }) => image,
  );
  return [...byImage]
    .map(([image, all]) => ({ image, wantedBy: [...new Set(all.map(({ by }) => by))] }))
    .toSorted((a, b) => (a.image < b.image ? -1 : 1));
}

/** Of all containers in it, however deep: a CronJob and the resource of an operator have pods too. */
function imagesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(imagesIn);
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    /^(init|ephemeral)?containers$/i.test(key) && Array.isArray(item)
      ? item.filter(isMap).flatMap(({ image }) => (typeof image === 'string' ? [image] : []))
      : imagesIn(item),
  );
}
