import type { HostFacts } from '../../cluster/facts.ts';
import { deepMerge } from '../../core/merge.ts';
import { PATHS } from '../../core/paths.ts';
import { podsOnNode } from '../../core/pods-on-node.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { CONTAINERD, cgroupDriver } from '../containerd/config.ts';
import { CIPHER_SUITES } from '../tls.ts';

/** kubelet's own default for pods on a node. */
const MAX_PODS = 110;
/** So that one pod can't take all of a node's (32768 by default) from the others; far more than a usual one has. */
const PIDS_OF_A_POD = 4096;

type Tree = Readonly<Record<string, unknown>>;

/** KubeletConfiguration v1beta1 of one host, with the inventory's `kubelet.config` over it. */
export function kubeletConfiguration(cluster: Cluster, host: Host, own: HostFacts): Record<string, unknown> {
  const defaults = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    ...access(),
    ...runtime(host, own),
    ...pods(cluster, own),
    ...reservations(),
    ...shutdown(),
  };
  return deepMerge(defaults, host.kubelet.config);
}

/** Who may ask the kubelet, and how it shows itself: nobody unnamed, everybody else by the API server's word. */
function access(): Tree {
  return {
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: '2m0s' },
      x509: { clientCAFile: `${PATHS.pki}/ca.crt` },
    },
    authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
    readOnlyPort: 0,
    healthzBindAddress: '127.0.0.1',
    healthzPort: 10248,
    enableProfilingHandler: false,
    rotateCertificates: true,
    tlsCertFile: PATHS.kubeletServerCert,
    tlsPrivateKeyFile: PATHS.kubeletServerKey,
    tlsMinVersion: 'VersionTLS12',
    tlsCipherSuites: CIPHER_SUITES,
  };
}

function runtime(host: Host, own: HostFacts): Tree {
  return {
    containerRuntimeEndpoint: `unix://${CONTAINERD.socket}`,
    cgroupDriver: cgroupDriver(host),
    // Since 1.35 the kubelet does not start on cgroup v1 unless told so.
    ...(own.cgroup === 1 ? { failCgroupV1: false } : {}),
    protectKernelDefaults: true,
    // What a pod that says nothing of it gets: the runtime's own filter of system calls.
    seccompDefault: true,
    serializeImagePulls: false,
    maxParallelImagePulls: 5,
  };
}

function pods(cluster: Cluster, own: HostFacts): Tree {
  return {
    clusterDomain: cluster.network.domain,
    clusterDNS: [cluster.addons.coredns.serviceAddress],
    // resolved's stub address means the pod itself inside a pod: hand on the list behind it.
    resolvConf: own.resolved ? PATHS.resolvedConf : PATHS.resolvConf,
    podPidsLimit: PIDS_OF_A_POD,
    maxPods: Math.min(MAX_PODS, podsOnNode(cluster.network.nodePrefix)),
  };
}

/** Kept back for the system and for Kubernetes' own daemons, so that pods run out of memory before they do. */
function reservations(): Tree {
  const reserved = { cpu: '100m', memory: '256Mi', 'ephemeral-storage': '1Gi' };
  return {
    systemReserved: reserved,
    kubeReserved: { ...reserved },
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '10%',
      'nodefs.inodesFree': '5%',
      'imagefs.available': '15%',
      'imagefs.inodesFree': '5%',
    },
  };
}

/** Pods end before the host does; without logind the kubelet says so in its log and goes on. */
function shutdown(): Tree {
  return { shutdownGracePeriod: '30s', shutdownGracePeriodCriticalPods: '10s' };
}
