import { LabError } from './errors.ts';

export interface ListedImage {
  /** As pods name it: `registry.k8s.io/pause:3.10.2`. */
  reference: string;
  /** Path in the registry, without its host. */
  repository: string;
  tag: string;
}

/**
 * What upstream's tests call their images, by the names that they have for them there (`BusyBox`).
 *
 * @param manifest text of test/utils/image/manifest.go of k8s.io/kubernetes
 */
export function listedImages(manifest: string): Map<string, ListedImage> {
  const [, registries = ''] = /^\tinitRegistry = RegistryList\{\n([^}]*)\}/m.exec(manifest) ?? [];
  const addresses = new Map(
    [...registries.matchAll(/^\t+(\w+): +"([^"]+)",$/gm)].map(([, name, address]) => [name, address]),
  );
  const listed = manifest.matchAll(/^\tconfigs\[(\w+)\] = Config\{list\.(\w+), "([^"]+)", "([^"]+)"\}$/gm);
  return new Map(
    [...listed].map(([, id = '', registry = '', name = '', tag = '']) => {
      const address = addresses.get(registry);
      if (address === undefined) throw new LabError(`upstream's list of images names no registry ${registry}`);
      const [, ...path] = address.split('/');
      return [id, { reference: `${address}/${name}:${tag}`, repository: [...path, name].join('/'), tag }];
    }),
  );
}
