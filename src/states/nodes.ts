import { apiHost, kubectl } from '../cluster/kubectl.ts';
import { hasLaid } from '../cluster/laid.ts';
import { nodeReady } from '../cluster/nodes.ts';
import { foreignNodes } from '../cluster/foreign.ts';
import { minorNumber } from '../core/versions.ts';
import { emptyingInTurn, filling, nodesUnknown } from './drains.ts';
import { kubelet } from './kubelet/resources.ts';
import { kubeProxy } from './kube-proxy/resources.ts';
import { nodeBatches, nodeHosts } from './node-rollout.ts';
import { withNewContainerd } from './runtime.ts';
import type { AroundContext, Stage, Steps } from './stage.ts';

/** kubelet and kube-proxy: masters ask their own API server, workers the endpoint. */
export const nodes: Stage = {
  name: 'nodes',
  title: 'Nodes',
  about:
    'kubelet and kube-proxy, and with them what `runtime` changes on the same node; it is drained when its kubelet gets another minor version, or its containerd another version',
  hosts: nodeHosts,
  // After the controllers: the node's part of podCidr and its renewed certificates come from them. Gates and drains
  // ask the API.
  needs: ['runtime', 'api-access', 'controllers', 'keepalived'],
  along: ['runtime'],
  states: (context) => [...kubelet(context), ...kubeProxy(context)],
  problems: foreignNodes,
  rollout: nodeBatches,
  waits: (cluster, facts) =>
    nodesUnknown(
      facts,
      nodeHosts(cluster).map(({ name }) => name),
    ),
  owes: (_cluster, { nodes: known }) =>
    [...(known?.values() ?? [])].flatMap(({ name, cordoned }) => (cordoned === 'mcpk' ? [name] : [])),
  around,
  gate: ({ cluster, facts, hosts }) => {
    const wanted = { withoutNetwork: true, podCidr: cluster.network.plugin === 'bridge', deadline: 120 };
    return hosts.map((host) => nodeReady(cluster, facts, host, wanted));
  },
};

/**
 * A kubelet that changes its minor version does so on a drained node, and so does containerd that goes along; any other
 * change leaves the pods alone. A cordon that a run before left is lifted. A host whose Node somebody deleted comes back with new pods: one that outlived its
 * Node would not do what it did for it once, as calico-node, which says the host's address on its Node when it starts.
 */
function around(context: AroundContext): Steps {
  const { cluster, facts, batch, brings } = context;
  const on = apiHost(cluster, facts);
  const moved = withNewContainerd(batch, context);
  const upgraded = batch.filter((name) => {
    const node = facts.nodes?.get(name);
    if (node === undefined) return false;
    const next = brings ? (brings(name, 'kubelet') ?? node.kubeletVersion) : cluster.versions.kubernetes;
    return minorNumber(node.kubeletVersion) !== minorNumber(next) || moved.includes(name);
  });
  const deleted = batch.filter((name) => facts.nodes?.has(name) === false && hasLaid(facts.hosts.get(name), 'nodes'));
  return {
    before: [
      ...deleted.map((name) => {
        const where = ['--all-namespaces', `--field-selector=spec.nodeName=${name}`];
        const { argv } = kubectl(cluster, on, 'delete', 'pods', ...where, '--force', '--wait=false');
        return { title: `remove the pods that the deleted Node ${name} left`, on, run: argv };
      }),
      ...emptyingInTurn(cluster, facts, upgraded),
    ],
    after: [],
    held: filling(
      cluster,
      facts,
      batch.filter((name) => upgraded.includes(name) || facts.nodes?.get(name)?.cordoned === 'mcpk'),
    ),
  };
}
