/** What `bridge` and the usual hand-made networks call. */
const PLUGINS = ['bandwidth', 'bridge', 'firewall', 'host-local', 'loopback', 'portmap', 'tuning'];

/** Calico brings its own and puts them into /opt/cni/bin itself. */
export function cniPluginNames(networkPlugin: string): readonly string[] {
  return networkPlugin === 'calico' ? [] : PLUGINS;
}
