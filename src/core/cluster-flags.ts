import type { Cluster, ComponentSettings } from '../inventory/types.ts';
import { isMap } from './merge.ts';
import type { FlagOwner, FlagProblem } from './removed-flags.ts';
import { removedFlags, removedGates } from './removed-flags.ts';

/** Everything that an inventory sets by name and that its versions no longer know: the process would not start. */
export function flagProblems(cluster: Cluster): FlagProblem[] {
  const { kubernetes, etcd } = cluster.versions;
  const components: [FlagOwner, string, ComponentSettings][] = [
    ['kube-apiserver', kubernetes, cluster.apiServer],
    ['kube-controller-manager', kubernetes, cluster.controllerManager],
    ['kube-scheduler', kubernetes, cluster.scheduler],
    ['kubelet', kubernetes, cluster.kubelet],
    ['kube-proxy', kubernetes, cluster.kubeProxy],
    ['etcd', etcd, cluster.etcd],
  ];
  return [
    ...components.flatMap(([component, version, { extraArgs }]) => removedFlags(component, version, extraArgs)),
    // etcd's configuration file has the names of its flags.
    ...removedFlags('etcd', etcd, cluster.etcd.config),
    ...gatesOf('kubelet', kubernetes, cluster.kubelet.config),
    ...gatesOf('kube-proxy', kubernetes, cluster.kubeProxy.config),
  ];
}

function gatesOf(component: FlagOwner, version: string, config: Readonly<Record<string, unknown>>): FlagProblem[] {
  const gates = config['featureGates'];
  return removedGates(version, isMap(gates) ? Object.keys(gates) : []).map((problem) => ({
    ...problem,
    message: `${component} ${problem.message}`,
  }));
}
