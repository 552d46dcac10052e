import { LISTED_GATES } from './listed-gates.ts';
import type { Component, NamedProblem } from './flag-table.ts';
import { compareVersions } from './versions.ts';

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

/** Feature gates (also those of KubeletConfiguration's and KubeProxyConfiguration's `featureGates`) that are gone. */
export function removedGates(component: Component, version: string, gates: readonly string[]): NamedProblem[] {
  return Object.entries(REMOVED_GATES)
    .filter(([since]) => compareVersions(version, since) >= 0)
    .flatMap(([since, gone]) => gates.filter((gate) => gone.includes(gate)).map((gate) => ({ gate, since })))
    .map(({ gate, since }) => ({
      name: gate,
      message: `${component} ${version} does not know the feature gate ${gate}, which is gone since ${since}`,
      hint: 'leave it out: what it switched is always on, or was given up',
    }));
}

const ALL_GATES = [...LISTED_GATES, ...Object.values(REMOVED_GATES).flat()];

/** Feature gates that are in no list of mcpk's. etcd has its own, of which it has none. */
export function unlistedGates(component: Component, gates: readonly string[]): NamedProblem[] {
  if (component === 'etcd') return [];
  return gates
    .filter((gate) => !ALL_GATES.includes(gate))
    .map((gate) => ({
      name: gate,
      message: `mcpk knows of no feature gate ${gate}: ${component} does not start with one that it does not know`,
      among: LISTED_GATES,
      word: gate,
    }));
}
