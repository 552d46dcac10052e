import { PATHS } from '../core/paths.ts';
import type { Cluster } from '../inventory/types.ts';
import type { DirectoryResource, LinkResource } from '../resources/types.ts';
import { directory } from './build.ts';
import type { StateContext } from './stage.ts';

/** What `bridge` and the usual hand-made networks call. */
const PLUGINS = ['bandwidth', 'bridge', 'firewall', 'host-local', 'loopback', 'portmap', 'tuning'];

/** Calico brings its own and puts them into /opt/cni/bin itself. */
export function cniPluginNames({ network }: Cluster): readonly string[] {
  return network.plugin === 'calico' ? [] : PLUGINS;
}

/** /opt/cni/bin with links into the store, so that a new version of a plugin is a new link. */
export function cniPlugins({ cluster, artifacts, own }: StateContext): (DirectoryResource | LinkResource)[] {
  return [
    directory('/opt/cni'),
    directory(PATHS.cniBin),
    ...cniPluginNames(cluster).map((name): LinkResource => ({
      kind: 'link',
      path: `${PATHS.cniBin}/${name}`,
      target: `${PATHS.store}/${artifacts.get(name, own.arch).sha256}`,
    })),
  ];
}
