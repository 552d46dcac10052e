import { ETCD_METRICS_PORT } from './ports.ts';

export type Component =
  'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kubelet' | 'kube-proxy' | 'etcd';

/** What flags are held against; what the inventory has wrong is absent. */
export interface Known {
  /** The component's own: etcd's for etcd. */
  version?: string;
  serviceCidr?: string;
  podCidr?: string;
  domain?: string;
  /** Of the node whose kubelet it is. */
  internalAddress?: string;
}

/** What is wrong with a flag, a variable or a feature gate. */
export interface NamedProblem {
  name: string;
  /** A sentence, or what goes on after the setting: `is set by apiServer.port`. */
  message: string;
  hint?: string;
  /** Where it may go all the same, as only a list of names that is not the last word lacks it: that list. */
  among?: readonly string[];
  /** What is near one of `among`, where that is not the setting's own name. */
  word?: string;
}

/** The process does not start with it. */
interface Gone {
  is: 'gone';
  /** First release without it. */
  since: string;
  /** Where it is not that the one flag was given up. */
  why?: string;
  instead: string;
}

/** A configuration file excludes it: the process does not start with both, or does not heed the flag. */
interface Beside {
  is: 'refused' | 'ignored';
  /** mcpk's own flag, which names the file; an inventory may take it out (`null`) or give a file of its own. */
  file: string;
  /** Only mcpk's own file excludes it, one of the inventory need not. */
  ownFileOnly?: true;
  instead: string;
  /** Where the inventory names a file of its own, in place of `instead`. */
  insteadOfOwn?: string;
}

/** Other parts of a cluster rely on its value: another one would break them, unseen until they run. */
interface Ours {
  is: 'ours';
  /** The setting that it follows, or what else it is made of. */
  by: string;
  /** Values that go with what mcpk makes of the setting. */
  goes?: (value: string, known: Known) => boolean;
}

export interface Flag {
  of: readonly Component[];
  names: readonly string[] | RegExp;
  means: Gone | Beside | Ours;
}

const ETCD_METRICS_URL = `http://127.0.0.1:${String(ETCD_METRICS_PORT)}`;

/** `10.254.0.0/16,fd00::/108`: a second range or address, of IPv6, is no setting of mcpk's. */
function startsWith(name: 'serviceCidr' | 'podCidr' | 'internalAddress'): NonNullable<Ours['goes']> {
  return (value, { [name]: wanted }) => wanted === undefined || value.split(',')[0]?.trim() === wanted;
}

/**
 * All flags that `extraArgs` may not have, or not in any way: what each means.
 *
 * What is gone was found in upstream's sources and by giving each to the binaries of 1.37.1; what files exclude by
 * giving each to them, and by what the help of kube-scheduler and kube-proxy says of their flags.
 */
export const FLAGS: readonly Flag[] = [
  {
    of: ['kubelet'],
    names: ['keep-terminated-pod-volumes', 'iptables-masquerade-bit', 'iptables-drop-bit'],
    means: { is: 'gone', since: '1.31.0', instead: 'leave it out' },
  },
  {
    of: ['kube-controller-manager'],
    names: ['horizontal-pod-autoscaler-upscale-delay', 'horizontal-pod-autoscaler-downscale-delay'],
    means: { is: 'gone', since: '1.31.0', instead: 'set scaling behaviour in each HorizontalPodAutoscaler' },
  },
  {
    of: ['kube-controller-manager'],
    names: ['volume-host-cidr-denylist', 'volume-host-allow-local-loopback'],
    means: { is: 'gone', since: '1.31.0', instead: 'leave it out' },
  },
  {
    of: ['kube-proxy'],
    names: ['proxy-port-range'],
    means: { is: 'gone', since: '1.31.0', instead: 'leave it out' },
  },
  {
    of: ['kube-apiserver'],
    names: ['cloud-provider', 'cloud-config'],
    means: { is: 'gone', since: '1.33.0', instead: 'run an external cloud controller manager' },
  },
  {
    of: ['kubelet'],
    names: ['cloud-config'],
    means: { is: 'gone', since: '1.34.0', instead: 'run an external cloud controller manager' },
  },
  {
    of: ['kubelet'],
    names: ['register-schedulable'],
    means: { is: 'gone', since: '1.34.0', instead: "set the host's taints" },
  },
  {
    of: ['kubelet'],
    names: ['pod-infra-container-image'],
    means: { is: 'gone', since: '1.35.0', instead: 'set containerd.sandboxImage' },
  },
  {
    of: ['kubelet'],
    names: [
      ...['application-metrics-count-limit', 'boot-id-file', 'container-hints', 'containerd', 'containerd-namespace'],
      ...['enable-load-reader', 'event-storage-age-limit', 'event-storage-event-limit', 'global-housekeeping-interval'],
      ...['log-cadvisor-usage', 'machine-id-file', 'storage-driver-buffer-duration', 'storage-driver-db'],
      ...['storage-driver-host', 'storage-driver-password', 'storage-driver-secure', 'storage-driver-table'],
      'storage-driver-user',
    ],
    means: { is: 'gone', since: '1.37.0', instead: 'leave it out: it belonged to cAdvisor' },
  },
  {
    of: ['kube-controller-manager'],
    names: ['concurrent-service-syncs'],
    means: { is: 'gone', since: '1.37.0', instead: 'leave it out' },
  },
  {
    of: ['etcd'],
    names: [
      ...['enable-v2', 'experimental-enable-v2v3', 'proxy', 'proxy-failure-wait', 'proxy-refresh-interval'],
      ...['proxy-dial-timeout', 'proxy-write-timeout', 'proxy-read-timeout'],
    ],
    means: { is: 'gone', since: '3.6.0', instead: 'leave it out: the v2 API is gone' },
  },
  {
    of: ['etcd'],
    // All at once, as their successors have names of their own.
    names: /^experimental-(?!enable-v2v3$)/,
    means: {
      is: 'gone',
      since: '3.7.0',
      why: 'no --experimental flag is left',
      instead: 'use the flag of the same name without experimental-, or --feature-gates',
    },
  },
  {
    of: ['kube-apiserver'],
    names: /^oidc-/,
    means: {
      is: 'refused',
      file: 'authentication-config',
      instead: 'describe the issuer in apiServer.authentication',
    },
  },
  {
    of: ['kube-apiserver'],
    names: ['anonymous-auth'],
    means: {
      is: 'refused',
      file: 'authentication-config',
      ownFileOnly: true,
      instead:
        'leave it out: nobody unnamed gets further than /livez, /readyz and /healthz, which gates and HAProxy ask',
    },
  },
  {
    of: ['kube-apiserver'],
    names: /^authorization-(mode$|webhook-)/,
    means: {
      is: 'refused',
      file: 'authorization-config',
      instead: 'leave it out (Node and RBAC decide), or name a file of your own in authorization-config',
      insteadOfOwn: 'leave it out: that file says who decides',
    },
  },
  {
    of: ['kube-apiserver'],
    names: ['authorization-policy-file'],
    means: {
      is: 'ignored',
      file: 'authorization-config',
      instead: 'leave it out (Node and RBAC decide)',
      insteadOfOwn: 'leave it out: that file says who decides',
    },
  },
  {
    of: ['kube-scheduler'],
    names: /^(contention-profiling|kube-api-(burst|content-type|qps)|kubeconfig|profiling)$/,
    means: { is: 'ignored', file: 'config', instead: 'leave it out' },
  },
  {
    of: ['kube-proxy'],
    names: /^(?!(config|hostname-override|master|v|vmodule|logging-format|log-.*)$)/,
    means: { is: 'ignored', file: 'config', instead: 'write it into kubeProxy.config' },
  },
  {
    of: ['kube-apiserver', 'kube-controller-manager'],
    names: ['service-cluster-ip-range'],
    means: {
      is: 'ours',
      by: 'network.serviceCidr, which comes first; a range of IPv6 may follow',
      goes: startsWith('serviceCidr'),
    },
  },
  {
    of: ['kube-controller-manager'],
    names: ['cluster-cidr'],
    means: {
      is: 'ours',
      by: 'network.podCidr, which comes first; a range of IPv6 may follow',
      goes: startsWith('podCidr'),
    },
  },
  { of: ['kube-apiserver'], names: ['secure-port'], means: { is: 'ours', by: 'apiServer.port' } },
  {
    of: ['kube-apiserver'],
    names: ['bind-address'],
    means: {
      is: 'ours',
      by: 'mcpk: HAProxy, gates and probes ask at several addresses of a master',
      goes: (value) => ['0.0.0.0', '::'].includes(value),
    },
  },
  {
    of: ['kube-apiserver'],
    names: ['advertise-address'],
    means: { is: 'ours', by: 'internalAddress of each master' },
  },
  {
    of: ['kube-apiserver'],
    names: ['etcd-servers'],
    means: { is: 'ours', by: 'internalAddress of the hosts with the role etcd' },
  },
  {
    of: ['kube-apiserver'],
    names: ['admission-control-config-file'],
    means: { is: 'ours', by: 'apiServer.admission' },
  },
  {
    of: ['kubelet'],
    names: ['node-ip'],
    means: {
      is: 'ours',
      by: 'internalAddress of each host, which comes first; an address of IPv6 may follow',
      // Without it the kubelet takes the address that its host name or the default route leads to.
      goes: (value, known) => value === '' || startsWith('internalAddress')(value, known),
    },
  },
  {
    of: ['kubelet'],
    names: ['cluster-domain'],
    means: {
      is: 'ours',
      by: 'network.domain',
      goes: (value, { domain }) => domain === undefined || value === domain,
    },
  },
  { of: ['kubelet'], names: ['config'], means: { is: 'ours', by: 'kubelet.config' } },
  {
    of: ['kubelet', 'kube-proxy'],
    names: ['hostname-override'],
    means: { is: 'ours', by: 'the name of each host' },
  },
  {
    of: ['kube-controller-manager', 'kubelet'],
    names: ['kubeconfig'],
    means: { is: 'ours', by: 'mcpk, which makes that file' },
  },
  { of: ['etcd'], names: ['data-dir'], means: { is: 'ours', by: 'etcd.dataDirectory' } },
  {
    of: ['etcd'],
    names: ['name', 'initial-cluster'],
    means: { is: 'ours', by: 'the names of the hosts with the role etcd' },
  },
  { of: ['etcd'], names: ['initial-cluster-token'], means: { is: 'ours', by: 'name' } },
  {
    of: ['etcd'],
    names: ['listen-client-urls', 'listen-peer-urls', 'advertise-client-urls'],
    means: { is: 'ours', by: 'internalAddress of each host with the role etcd' },
  },
  {
    of: ['etcd'],
    names: ['listen-metrics-urls'],
    means: {
      is: 'ours',
      by: `mcpk, whose gates ask at ${ETCD_METRICS_URL}; others may stand beside it`,
      goes: (value) => value.split(',').some((url) => url.trim() === ETCD_METRICS_URL),
    },
  },
];
