import type { GateCheck, GateContext } from '../cluster/gate.ts';
import { apiHost } from '../cluster/kubectl.ts';
import { ROLLOUT_DEADLINE, rolledOut } from '../cluster/workloads.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import { CALICO, calicoObjects, calicoObjectsOf } from './calico/objects.ts';
import { COREDNS, corednsObjects } from './coredns/objects.ts';
import { owned, partial } from './kube-objects.ts';
import { manifestObjects, readAsOf } from './manifests.ts';
import { nodeObject } from './node-objects.ts';
import { nodeHosts } from './node-rollout.ts';
import type { Stage, StateContext } from './stage.ts';

/** What lives in the API beside the network: roles, labels and taints of the nodes, CoreDNS, the inventory's manifests. */
export const addons: Stage = {
  name: 'addons',
  title: 'Addons',
  about: "what lives in the API: roles, labels and taints of nodes, Calico's controllers, CoreDNS, your manifests",
  hosts: (cluster) => hostsWith(cluster, 'master'),
  api: true,
  manifests: true,
  needs: ['calico'],
  states: (context) => [
    ...nodeHosts(context.cluster).map((host) => partial(nodeObject(host), host.source)),
    ...calicoObjects(context).onItsNetwork.map((object) => owned(object, 'Calico')),
    ...corednsObjects(context.cluster).map((object) => owned(object, 'CoreDNS')),
    ...userManifests(context),
  ],
  gate,
};

/** What `states` would find wrong in these manifests, whatever the hosts say. Throws `invalid`. */
export function checkManifests(cluster: Cluster, manifests: StateContext['manifests']): void {
  if (manifests.has(CALICO.manifest)) {
    const { network, onItsNetwork } = calicoObjectsOf(cluster, manifests, cluster.network.mtu);
    for (const object of [...network, ...onItsNetwork]) owned(object, 'Calico');
  }
  userManifests({ cluster, manifests });
}

function userManifests({
  cluster,
  manifests,
}: Pick<StateContext, 'cluster' | 'manifests'>): ReturnType<typeof owned>[] {
  return cluster.addons.manifests.flatMap(({ name }) =>
    readAsOf(name, cluster, () => manifestObjects(name, manifests).map((object) => owned(object, `manifest ${name}`))),
  );
}

function gate({ cluster, facts }: GateContext): GateCheck[] {
  const asked = apiHost(cluster, facts);
  return [...calicoGates(cluster, asked), ...corednsGates(cluster, asked)];
}

function calicoGates(cluster: Cluster, asked: string): GateCheck[] {
  if (cluster.network.plugin !== 'calico') return [];
  const { namespace, controllers } = CALICO;
  return [rolledOut(cluster, asked, { kind: 'Deployment', namespace, name: controllers }, ROLLOUT_DEADLINE)];
}

/** With `none` nobody knows here when the network comes, so CoreDNS is not waited for. */
function corednsGates(cluster: Cluster, asked: string): GateCheck[] {
  if (!cluster.addons.coredns.enabled || cluster.network.plugin === 'none') return [];
  return [rolledOut(cluster, asked, { kind: 'Deployment', ...COREDNS }, ROLLOUT_DEADLINE)];
}
