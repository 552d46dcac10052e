import { flagProblems, unlistedFlags, unlistedGatesOf } from './flag-problems.ts';
import type { Component, Known, NamedProblem } from './flag-table.ts';
import { kubeletValues } from './kubelet-values.ts';
import { isMap } from './merge.ts';
import { removedGates, unlistedGates } from './removed-gates.ts';
import type { Versions } from './versions.ts';

type Named = Readonly<Record<string, unknown>>;
interface Settings {
  readonly extraArgs: Named;
  readonly environment: Named;
}
interface Configured extends Settings {
  readonly config: Named;
}

/** The part of a Cluster that is looked at. */
interface ControlPlane {
  readonly apiServer: Settings;
  readonly controllerManager: Settings;
  readonly scheduler: Settings;
  readonly etcd: Configured;
}

/** kubelet and kube-proxy of one node, with all that it inherits. */
interface NodeServices {
  readonly internalAddress: string;
  readonly kubelet: Configured;
  readonly kubeProxy: Configured;
}

/** What of the inventory settings are held against; what is wrong there is absent. */
export interface KnownSettings extends Omit<Known, 'version'> {
  versions: Partial<Versions>;
}

/** What is wrong with a setting, and where it stands: `['apiServer', 'extraArgs', 'oidc-client-id']`. */
export interface SettingProblem extends Omit<NamedProblem, 'name'> {
  path: (string | number)[];
}

/**
 * Everything that an inventory sets by name for the control plane and etcd and that does not go: its versions no longer
 * know it, so that the process would not start, a configuration file of mcpk's excludes it, or it follows from a setting.
 */
export function controlPlaneProblems(cluster: ControlPlane, known: KnownSettings): SettingProblem[] {
  const sections = [
    ['apiServer', 'kube-apiserver'],
    ['controllerManager', 'kube-controller-manager'],
    ['scheduler', 'kube-scheduler'],
    ['etcd', 'etcd'],
  ] as const;
  return [
    ...sections.flatMap(([section, component]) => argProblems(component, section, cluster[section].extraArgs, known)),
    // etcd's configuration file has the names of its flags.
    ...flagProblems('etcd', cluster.etcd.config, knownOf('etcd', known)).map(placed('etcd', 'config')),
    ...variables(cluster.etcd.environment).map(placed('etcd', 'environment')),
  ];
}

/** The same of a node's services: `['kubelet', 'extraArgs', 'cloud-config']`. */
export function nodeProblems(services: NodeServices, known: KnownSettings): SettingProblem[] {
  const sections = [
    ['kubelet', 'kubelet'],
    ['kubeProxy', 'kube-proxy'],
  ] as const;
  const { internalAddress } = services;
  // What is missing is told by itself.
  const own = internalAddress === '' ? known : { ...known, internalAddress };
  return sections.flatMap(([section, component]) => {
    const { extraArgs, config } = services[section];
    return [
      ...argProblems(component, section, extraArgs, own),
      ...gatesOf(component, config, known).map(placed(section, 'config', 'featureGates')),
      ...(section === 'kubelet' ? valuesOf(config) : []),
    ];
  });
}

function valuesOf(config: Named): SettingProblem[] {
  return kubeletValues(config).map(({ path, ...problem }) => ({ path: ['kubelet', 'config', ...path], ...problem }));
}

function argProblems(component: Component, section: string, args: Named, known: KnownSettings): SettingProblem[] {
  return [
    ...flagProblems(component, args, knownOf(component, known)),
    ...unlistedFlags(component, args),
    ...unlistedGatesOf(component, args),
  ].map(placed(section, 'extraArgs'));
}

function knownOf(component: Component, { versions, ...known }: KnownSettings): Known {
  const version = versions[component === 'etcd' ? 'etcd' : 'kubernetes'];
  return version === undefined ? known : { ...known, version };
}

function placed(...path: (string | number)[]): (problem: NamedProblem) => SettingProblem {
  return ({ name, ...problem }) => ({ path: [...path, name], ...problem });
}

function gatesOf(component: Component, config: Named, { versions }: KnownSettings): NamedProblem[] {
  const gates = config['featureGates'];
  const given = isMap(gates) ? Object.keys(gates).filter((gate) => gates[gate] !== null) : [];
  const { kubernetes } = versions;
  return [
    ...(kubernetes === undefined ? [] : removedGates(component, kubernetes, given)),
    ...unlistedGates(component, given),
  ];
}

/** ETCD_UNSUPPORTED_ARCH is asked for apart from all settings. */
function variables(environment: Named): NamedProblem[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith('ETCD_') && name !== 'ETCD_UNSUPPORTED_ARCH')
    .map((name) => ({
      name,
      message: `etcd does not heed ${name} beside its configuration file`,
      hint: `write ${name.slice('ETCD_'.length).toLowerCase().replaceAll('_', '-')} into etcd.config`,
    }));
}
