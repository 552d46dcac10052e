import { deepMerge } from '../../core/merge.ts';
import { PATHS } from '../../core/paths.ts';
import { revealed } from '../../core/secret.ts';
import type { Cluster, Host } from '../../inventory/types.ts';

/** KubeProxyConfiguration v1alpha1 of one host, with the inventory's `kubeProxy.config` over it. */
export function kubeProxyConfiguration(cluster: Cluster, host: Host): Record<string, unknown> {
  const defaults = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    bindAddress: '0.0.0.0',
    clientConnection: { kubeconfig: PATHS.kubeProxyKubeconfig },
    clusterCIDR: cluster.network.podCidr,
    detectLocalMode: 'ClusterCIDR',
    hostnameOverride: host.name,
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    enableProfiling: false,
    // Always said: from 1.37 on it warns when the mode is left open.
    mode: cluster.kubeProxy.mode,
    conntrack: { maxPerCore: 32768, min: 131072 },
  };
  return deepMerge(defaults, host.kubeProxy.config);
}

/** kube-proxy's own on Linux, when nobody says which. */
const DEFAULT_MODE = 'iptables';

/** How kube-proxy of this host works: by its file, and without one (`extraArgs.config: null`) by its flag. */
export function proxyMode(cluster: Cluster, host: Host): string {
  const { config, 'proxy-mode': flag } = host.kubeProxy.extraArgs;
  // What a file of the inventory's own says is not known here.
  if (typeof config === 'string') return cluster.kubeProxy.mode;
  const mode = config === null ? flag : revealed(kubeProxyConfiguration(cluster, host)['mode']);
  return typeof mode === 'string' && mode !== '' ? mode : DEFAULT_MODE;
}
