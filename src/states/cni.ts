import { cniPluginNames } from '../core/cni-plugins.ts';
import { PATHS } from '../core/paths.ts';
import type { DirectoryResource, LinkResource } from '../resources/types.ts';
import { directory } from './build.ts';
import type { StateContext } from './stage.ts';

/** /opt/cni/bin with links into the store, so that a new version of a plugin is a new link. */
export function cniPlugins({ cluster, artifacts, own }: StateContext): (DirectoryResource | LinkResource)[] {
  return [
    directory('/opt/cni'),
    directory(PATHS.cniBin),
    ...cniPluginNames(cluster.network.plugin).map((name): LinkResource => ({
      kind: 'link',
      path: `${PATHS.cniBin}/${name}`,
      target: `${PATHS.store}/${artifacts.get(name, own.arch).sha256}`,
    })),
  ];
}
