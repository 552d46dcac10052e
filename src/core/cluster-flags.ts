import { isMap } from './merge.ts';
import type { FlagOwner } from './removed-flags.ts';
import { removedFlags, removedGates } from './removed-flags.ts';

type Named = Readonly<Record<string, unknown>>;
interface Component {
  readonly extraArgs: Named;
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
  readonly kubelet: Configured;
  readonly kubeProxy: Configured;
  readonly etcd: Configured;
}

/** A setting that the versions of the inventory no longer know. */
export interface SettingProblem {
  /** In the inventory. */
  path: readonly string[];
  message: string;
  hint: string;
}

const OWNERS = {
  apiServer: 'kube-apiserver',
  controllerManager: 'kube-controller-manager',
  scheduler: 'kube-scheduler',
  kubelet: 'kubelet',
  kubeProxy: 'kube-proxy',
  etcd: 'etcd',
} as const satisfies Record<string, FlagOwner>;
type Section = keyof typeof OWNERS;

/** Everything that an inventory sets by name and that its versions no longer know: the process would not start. */
export function flagProblems(cluster: Settings): SettingProblem[] {
  const sections = Object.keys(OWNERS) as Section[];
  return [
    ...sections.flatMap((section) => flagsOf(cluster, section, ['extraArgs', cluster[section].extraArgs])),
    // etcd's configuration file has the names of its flags.
    ...flagsOf(cluster, 'etcd', ['config', cluster.etcd.config]),
    ...gatesOf(cluster, 'kubelet'),
    ...gatesOf(cluster, 'kubeProxy'),
  ];
}

function flagsOf({ versions }: Settings, section: Section, [place, args]: [string, Named]): SettingProblem[] {
  const version = section === 'etcd' ? versions.etcd : versions.kubernetes;
  return removedFlags(OWNERS[section], version, args).map(({ flag, message, hint }) => ({
    path: [section, place, flag],
    message,
    hint,
  }));
}

function gatesOf(cluster: Settings, section: 'kubelet' | 'kubeProxy'): SettingProblem[] {
  const gates = cluster[section].config['featureGates'];
  return removedGates(cluster.versions.kubernetes, isMap(gates) ? Object.keys(gates) : []).map(
    ({ gate, message, hint }) => ({
      path: [section, 'config', 'featureGates', gate],
      message: `${OWNERS[section]} ${message}`,
      hint,
    }),
  );
}
