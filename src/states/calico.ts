import type { GateCheck, GateContext } from '../cluster/gate.ts';
import { apiHost } from '../cluster/kubectl.ts';
import { nodeReady } from '../cluster/nodes.ts';
import { ROLLOUT_DEADLINE, rolledOut } from '../cluster/workloads.ts';
import { hostsWith } from '../inventory/types.ts';
import { CALICO, calicoObjects } from './calico/objects.ts';
import { owned } from './kube-objects.ts';
import { nodeHosts } from './node-rollout.ts';
import type { Stage } from './stage.ts';

/**
 * Calico's objects, until its network is up everywhere. Pods on that network come after it: until calico-node runs, each
 * try to give them an address fails, and all of them would go to the node that is ready first.
 */
export const calico: Stage = {
  name: 'calico',
  title: 'Calico',
  about: "Calico's objects in the API, and its pods on every node; nothing with another network plugin",
  hosts: (cluster) => hostsWith(cluster, 'master'),
  api: true,
  manifests: true,
  needs: ['network'],
  states: (context) => calicoObjects(context).network.map((object) => owned(object, 'Calico')),
  gate,
};

function gate({ cluster, facts }: GateContext): GateCheck[] {
  if (cluster.network.plugin !== 'calico') return [];
  const { namespace, node } = CALICO;
  const hosts = nodeHosts(cluster).filter((host) => facts.hosts.has(host.name));
  return [
    rolledOut(cluster, apiHost(cluster, facts), { kind: 'DaemonSet', namespace, name: node }, ROLLOUT_DEADLINE),
    ...hosts.map((host) => nodeReady(cluster, facts, host.name, { withoutNetwork: false, deadline: ROLLOUT_DEADLINE })),
  ];
}
