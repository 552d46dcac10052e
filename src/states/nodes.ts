import { cordon, uncordon } from '../cluster/cordon.ts';
import { apiHost, kubectl } from '../cluster/kubectl.ts';
import { hasLaid } from '../cluster/laid.ts';
import { nodeReady } from '../cluster/nodes.ts';
import { minorNumber } from '../core/versions.ts';
import { kubelet } from './kubelet/resources.ts';
import { kubeProxy } from './kube-proxy/resources.ts';
import { nodeBatches, nodeHosts } from './node-rollout.ts';
import type { AroundContext, Stage, Steps } from './stage.ts';

/** kubelet and kube-proxy: masters ask their own API server, workers the endpoint. */
export const nodes: Stage = {
  name: 'nodes',
  title: 'Nodes',
  about: 'kubelet and kube-proxy; a node is drained when its kubelet gets another minor version',
  hosts: nodeHosts,
  // After the controllers: the node's part of podCidr and its renewed certificates come from them. Gates and drains
  // ask the API.
  needs: ['runtime', 'api-access', 'controllers', 'keepalived'],
  states: (context) => [...kubelet(context), ...kubeProxy(context)],
  rollout: nodeBatches,
  waits: (cluster, facts) =>
    facts.nodes === undefined && nodeHosts(cluster).some(({ name }) => hasLaid(facts.hosts.get(name), 'nodes'))
      ? { until: 'api-access', why: 'no API server answers, so which nodes are to be drained is not known' }
      : undefined,
  owes: (_cluster, { nodes: known }) =>
    [...(known?.values() ?? [])].flatMap(({ name, cordoned }) => (cordoned === 'mcpk' ? [name] : [])),
  around,
  gate: ({ cluster, facts, hosts }) => {
    const wish = { withoutNetwork: true, podCidr: cluster.network.plugin === 'bridge', deadline: 120 };
    return hosts.map((host) => nodeReady(cluster, facts, host, wish));
  },
};

/**
 * A kubelet that changes its minor version does so on a drained node; any other change leaves the pods alone. A cordon
 * that a run before left is lifted. A host whose Node somebody deleted comes back with new pods: one that outlived its
 * Node would not do what it did for it once, as calico-node, which says the host's address on its Node when it starts.
 */
function around({ cluster, facts, batch }: AroundContext): Steps {
  const on = apiHost(cluster, facts);
  const wanted = minorNumber(cluster.versions.kubernetes);
  const upgraded = batch.filter((name) => {
    const node = facts.nodes?.get(name);
    return node !== undefined && minorNumber(node.kubeletVersion) !== wanted;
  });
  // What an operator cordoned stays so.
  const isOthers = (name: string): boolean => facts.nodes?.get(name)?.cordoned === 'other';
  const undo = (name: string): string[] => uncordon(cluster, on, name);
  const deleted = batch.filter((name) => facts.nodes?.has(name) === false && hasLaid(facts.hosts.get(name), 'nodes'));
  return {
    before: [
      ...deleted.map((name) => {
        const where = ['--all-namespaces', `--field-selector=spec.nodeName=${name}`];
        const { argv } = kubectl(cluster, on, 'delete', 'pods', ...where, '--force', '--wait=false');
        return { title: `remove the pods that the deleted Node ${name} left`, on, run: argv };
      }),
      ...upgraded.flatMap((name) => [
        ...(isOthers(name) ? [] : [{ title: `cordon ${name}`, on, run: cordon(cluster, on, name), undo: undo(name) }]),
        {
          title: `drain ${name}`,
          on,
          run: kubectl(cluster, on, 'drain', name, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=300s')
            .argv,
        },
      ]),
    ],
    after: batch
      .filter((name) => (upgraded.includes(name) && !isOthers(name)) || facts.nodes?.get(name)?.cordoned === 'mcpk')
      .map((name) => ({ title: `uncordon ${name}`, on, run: undo(name) })),
  };
}
