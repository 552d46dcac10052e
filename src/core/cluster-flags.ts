import { flagsBesideFiles } from './beside-files.ts';
import { isMap } from './merge.ts';
import type { FlagOwner, FlagProblem } from './removed-flags.ts';
import { removedFlags, removedGates } from './removed-flags.ts';

type Named = Readonly<Record<string, unknown>>;
interface Component {
  readonly extraArgs: Named;
  readonly environment: Named;
}
interface Configured extends Component {
  readonly config: Named;
}

/** The part of a Cluster that is looked at. */
interface Settings {
  readonly versions: { readonly kubernetes: string; readonly etcd: string };
  readonly apiServer: Component;
  readonly controllerManager: Component;
  readonly scheduler: Component;
  readonly etcd: Configured;
}

/** kubelet and kube-proxy of one node, with all that it inherits. */
interface NodeServices {
  readonly kubelet: Configured;
  readonly kubeProxy: Configured;
}

/** What is wrong with a setting, and where it stands: `['apiServer', 'extraArgs', 'oidc-client-id']`. */
export interface SettingProblem extends Omit<FlagProblem, 'flag'> {
  path: (string | number)[];
}

/**
 * Everything that an inventory sets by name for the control plane and etcd and that its versions no longer know, so that
 * the process would not start, or that a configuration file of mcpk's excludes.
 */
export function flagProblems(cluster: Settings): SettingProblem[] {
  const { kubernetes, etcd } = cluster.versions;
  const components = [
    ['apiServer', 'kube-apiserver', kubernetes],
    ['controllerManager', 'kube-controller-manager', kubernetes],
    ['scheduler', 'kube-scheduler', kubernetes],
    ['etcd', 'etcd', etcd],
  ] as const;
  return [
    ...components.flatMap(([section, component, version]) => {
      const args = cluster[section].extraArgs;
      const found = [...removedFlags(component, version, args), ...flagsBesideFiles(component, args)];
      return found.map(placed(section, 'extraArgs'));
    }),
    // etcd's configuration file has the names of its flags.
    ...removedFlags('etcd', etcd, cluster.etcd.config).map(placed('etcd', 'config')),
    ...variables(cluster.etcd.environment).map(placed('etcd', 'environment')),
  ];
}

/** The same of a node's services, which `version` of Kubernetes runs: `['kubelet', 'extraArgs', 'cloud-config']`. */
export function nodeProblems(services: NodeServices, version: string): SettingProblem[] {
  const owners = { kubelet: 'kubelet', kubeProxy: 'kube-proxy' } as const;
  return (['kubelet', 'kubeProxy'] as const).flatMap((section) => {
    const { extraArgs, config } = services[section];
    const args = [
      ...removedFlags(owners[section], version, extraArgs),
      ...flagsBesideFiles(owners[section], extraArgs),
    ];
    return [
      ...args.map(placed(section, 'extraArgs')),
      ...gatesOf(owners[section], version, config).map(placed(section, 'config', 'featureGates')),
    ];
  });
}

function placed(...path: (string | number)[]): (problem: FlagProblem) => SettingProblem {
  return ({ flag, ...problem }) => ({ path: [...path, flag], ...problem });
}

function gatesOf(component: FlagOwner, version: string, config: Named): FlagProblem[] {
  const gates = config['featureGates'];
  const given = isMap(gates) ? Object.keys(gates).filter((gate) => gates[gate] !== null) : [];
  return removedGates(component, version, given);
}

/** ETCD_UNSUPPORTED_ARCH is asked for apart from all settings. */
function variables(environment: Named): FlagProblem[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith('ETCD_') && name !== 'ETCD_UNSUPPORTED_ARCH')
    .map((name) => ({
      flag: name,
      message: `etcd does not heed ${name} beside its configuration file`,
      hint: `write ${name.slice('ETCD_'.length).toLowerCase().replaceAll('_', '-')} into etcd.config`,
    }));
}
