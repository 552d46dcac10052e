import { deepMerge } from '../../core/merge.ts';
import { PATHS } from '../../core/paths.ts';
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
