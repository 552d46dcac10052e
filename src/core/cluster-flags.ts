import { isMap } from './merge.ts';
import type { FlagOwner, FlagProblem } from './removed-flags.ts';
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
  /** With what they inherit. */
  readonly hosts: readonly { readonly kubelet: Configured; readonly kubeProxy: Configured }[];
}

/** Everything that an inventory sets by name and that its versions no longer know: the process would not start. */
export function flagProblems(cluster: Settings): FlagProblem[] {
  const { kubernetes, etcd } = cluster.versions;
  const components: [FlagOwner, string, Component][] = [
    ['kube-apiserver', kubernetes, cluster.apiServer],
    ['kube-controller-manager', kubernetes, cluster.controllerManager],
    ['kube-scheduler', kubernetes, cluster.scheduler],
    ['etcd', etcd, cluster.etcd],
  ];
  const nodes = [cluster, ...cluster.hosts].flatMap(({ kubelet, kubeProxy }): [FlagOwner, Configured][] => [
    ['kubelet', kubelet],
    ['kube-proxy', kubeProxy],
  ]);
  const problems = [
    ...components.flatMap(([component, version, { extraArgs }]) => removedFlags(component, version, extraArgs)),
    // etcd's configuration file has the names of its flags.
    ...removedFlags('etcd', etcd, cluster.etcd.config),
    ...nodes.flatMap(([component, { extraArgs, config }]) => [
      ...removedFlags(component, kubernetes, extraArgs),
      ...gatesOf(component, kubernetes, config),
    ]),
  ];
  // What hosts inherit is told once.
  return [...new Map(problems.map((problem) => [problem.message, problem])).values()];
}

function gatesOf(component: FlagOwner, version: string, config: Named): FlagProblem[] {
  const gates = config['featureGates'];
  return removedGates(version, isMap(gates) ? Object.keys(gates) : []).map((problem) => ({
    ...problem,
    message: `${component} ${problem.message}`,
  }));
}
