import { compareVersions } from './versions.ts';

export type FlagOwner =
  'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kubelet' | 'kube-proxy' | 'etcd';

interface Removal {
  /** First release without it. */
  since: string;
  component: FlagOwner;
  flags: readonly string[];
  instead: string;
}

/** Found in upstream's sources and by giving each to the binaries of 1.37.1. A process does not start with one. */
export const REMOVED_FLAGS: readonly Removal[] = [
  {
    since: '1.31.0',
    component: 'kubelet',
    flags: ['keep-terminated-pod-volumes', 'iptables-masquerade-bit', 'iptables-drop-bit'],
    instead: 'leave it out',
  },
  {
    since: '1.31.0',
    component: 'kube-controller-manager',
    flags: ['horizontal-pod-autoscaler-upscale-delay', 'horizontal-pod-autoscaler-downscale-delay'],
    instead: 'set scaling behaviour in each HorizontalPodAutoscaler',
  },
  {
    since: '1.31.0',
    component: 'kube-controller-manager',
    flags: ['volume-host-cidr-denylist', 'volume-host-allow-local-loopback'],
    instead: 'leave it out',
  },
  { since: '1.31.0', component: 'kube-proxy', flags: ['proxy-port-range'], instead: 'leave it out' },
  {
    since: '1.33.0',
    component: 'kube-apiserver',
    flags: ['cloud-provider', 'cloud-config'],
    instead: 'run an external cloud controller manager',
  },
  {
    since: '1.34.0',
    component: 'kubelet',
    flags: ['cloud-config'],
    instead: 'run an external cloud controller manager',
  },
  { since: '1.34.0', component: 'kubelet', flags: ['register-schedulable'], instead: "set the host's taints" },
  {
    since: '1.35.0',
    component: 'kubelet',
    flags: ['pod-infra-container-image'],
    instead: 'set containerd.sandboxImage',
  },
  {
    since: '1.37.0',
    component: 'kubelet',
    flags: [
      ...['application-metrics-count-limit', 'boot-id-file', 'container-hints', 'containerd', 'containerd-namespace'],
      ...['enable-load-reader', 'event-storage-age-limit', 'event-storage-event-limit', 'global-housekeeping-interval'],
      ...['log-cadvisor-usage', 'machine-id-file', 'storage-driver-buffer-duration', 'storage-driver-db'],
      ...['storage-driver-host', 'storage-driver-password', 'storage-driver-secure', 'storage-driver-table'],
      'storage-driver-user',
    ],
    instead: 'leave it out: it belonged to cAdvisor',
  },
  {
    since: '1.37.0',
    component: 'kube-controller-manager',
    flags: ['concurrent-service-syncs'],
    instead: 'leave it out',
  },
  {
    since: '3.6.0',
    component: 'etcd',
    flags: [
      ...['enable-v2', 'experimental-enable-v2v3', 'proxy', 'proxy-failure-wait', 'proxy-refresh-interval'],
      ...['proxy-dial-timeout', 'proxy-write-timeout', 'proxy-read-timeout'],
    ],
    instead: 'leave it out: the v2 API is gone',
  },
];

/** Feature gates by the first release that no longer knows them: the difference of upstream's feature lists. */
export const REMOVED_GATES: Readonly<Record<string, readonly string[]>> = {
  '1.36.0': [
    ...['CSIMigrationPortworx', 'HonorPVReclaimPolicy', 'InPlacePodVerticalScalingAllocatedStatus'],
    ...['InTreePluginPortworxUnregister', 'MemoryManager', 'ServiceTrafficDistribution'],
    ...['StructuredAuthorizationConfiguration', 'TopologyAwareHints', 'WatchFromStorageWithoutResourceVersion'],
  ],
  '1.37.0': [
    ...['APIServerTracing', 'AnonymousAuthConfigurableEndpoints', 'AnyVolumeDataSource', 'AuthorizeNodeWithSelectors'],
    ...['AuthorizeWithSelectors', 'BtreeWatchCache', 'ConsistentListFromCache', 'GangScheduling'],
    ...['JobBackoffLimitPerIndex', 'JobPodReplacementPolicy', 'JobSuccessPolicy', 'LogarithmicScaleDown'],
    ...['OrderedNamespaceDeletion', 'PodLifecycleSleepAction', 'PodLifecycleSleepActionAllowZero'],
    ...['PreventStaticPodAPIReferences', 'RelaxedDNSSearchValidation', 'ResilientWatchCacheInitialization'],
    ...['RetryGenerateName', 'SchedulerQueueingHints', 'SidecarContainers', 'StreamingCollectionEncodingToJSON'],
    ...['StreamingCollectionEncodingToProtobuf', 'StructuredAuthenticationConfiguration', 'WorkloadAwarePreemption'],
  ],
};

export interface FlagProblem {
  /** Name of the flag, or of the feature gate's flag or setting. */
  flag: string;
  message: string;
  hint: string;
}

/**
 * Flags that this version of the component refuses, so that it would not start. `args` as an inventory's
 * `extraArgs`: names without dashes, `null` = not given. `version` is the component's own (etcd's for etcd).
 */
export function removedFlags(
  component: FlagOwner,
  version: string,
  args: Readonly<Record<string, unknown>>,
): FlagProblem[] {
  const given = Object.keys(args).filter((name) => args[name] !== null && args[name] !== undefined);
  const gates = given.includes('feature-gates') ? String(args['feature-gates']).split(',') : [];
  return [
    ...given.flatMap((name) => removal(component, version, name) ?? []),
    ...removedGates(
      component,
      version,
      gates.map((gate) => gate.split('=')[0]?.trim() ?? ''),
    ).map((problem) => ({ ...problem, flag: 'feature-gates' })),
  ];
}

/** Feature gates (also those of KubeletConfiguration's and KubeProxyConfiguration's `featureGates`) that are gone. */
export function removedGates(component: FlagOwner, version: string, gates: readonly string[]): FlagProblem[] {
  return Object.entries(REMOVED_GATES)
    .filter(([since]) => compareVersions(version, since) >= 0)
    .flatMap(([since, gone]) => gates.filter((gate) => gone.includes(gate)).map((gate) => ({ gate, since })))
    .map(({ gate, since }) => ({
      flag: gate,
      message: `${component} ${version} does not know the feature gate ${gate}, which is gone since ${since}`,
      hint: 'leave it out: what it switched is always on, or was given up',
    }));
}

function removal(component: FlagOwner, version: string, name: string): FlagProblem | undefined {
  // etcd 3.7 dropped all of them at once, as their successors have names of their own.
  if (component === 'etcd' && name.startsWith('experimental-') && compareVersions(version, '3.7.0') >= 0) {
    return {
      flag: name,
      message: `etcd ${version} does not start with --${name}: no --experimental flag is left since 3.7.0`,
      hint: 'use the flag of the same name without experimental-, or --feature-gates',
    };
  }
  const found = REMOVED_FLAGS.find(
    (entry) =>
      entry.component === component && entry.flags.includes(name) && compareVersions(version, entry.since) >= 0,
  );
  if (found === undefined) return undefined;
  return {
    flag: name,
    message: `${component} ${version} does not start with --${name}, which is gone since ${found.since}`,
    hint: found.instead,
  };
}
