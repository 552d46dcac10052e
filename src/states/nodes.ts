import { apiHost, kubectl } from '../cluster/kubectl.ts';
import { nodeReady } from '../cluster/nodes.ts';
import { minorNumber } from '../core/versions.ts';
import { kubelet } from './kubelet/resources.ts';
import { kubeProxy } from './kube-proxy/resources.ts';
import { nodeBatches, nodeHosts } from './node-rollout.ts';
import type { AroundContext, Stage, Step } from './stage.ts';

/** kubelet and kube-proxy: masters ask their own API server, workers the endpoint. */
export const nodes: Stage = {
  name: 'nodes',
  title: 'Nodes',
  hosts: nodeHosts,
  // After the controllers: the node's part of podCidr and its renewed certificates come from them. Gates and drains
  // ask the API.
  needs: ['runtime', 'api-access', 'controllers', 'keepalived'],
  states: (context) => [...kubelet(context), ...kubeProxy(context)],
  rollout: nodeBatches,
  around,
  gate: ({ cluster, facts, hosts }) => {
    const wish = { withoutNetwork: true, podCidr: cluster.network.plugin === 'bridge', deadline: 120 };
    return hosts.map((host) => nodeReady(cluster, facts, host, wish));
  },
};

/** A kubelet that changes its minor version does so on a drained node; any other change leaves the pods alone. */
function around({ cluster, facts, batch }: AroundContext): { before: Step[]; after: Step[] } {
  const on = apiHost(cluster, facts);
  const wanted = minorNumber(cluster.versions.kubernetes);
  const upgraded = batch.filter((name) => {
    const node = facts.nodes?.get(name);
    return node !== undefined && minorNumber(node.kubeletVersion) !== wanted;
  });
  return {
    before: upgraded.map((name) => ({
      title: `drain ${name}`,
      on,
      run: kubectl(cluster, on, 'drain', name, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=300s').argv,
      undo: kubectl(cluster, on, 'uncordon', name).argv,
    })),
    after: upgraded.map((name) => ({
      title: `uncordon ${name}`,
      on,
      run: kubectl(cluster, on, 'uncordon', name).argv,
    })),
  };
}
