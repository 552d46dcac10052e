import type { GateCheck, GateContext } from '../cluster/gate.ts';
import { apiHost } from '../cluster/kubectl.ts';
import { rolledOut } from '../cluster/workloads.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import { COREDNS, corednsObjects } from './coredns/objects.ts';
import { owned, partial } from './kube-objects.ts';
import { parseManifest } from './manifests.ts';
import { nodeObject } from './node-objects.ts';
import { nodeHosts } from './node-rollout.ts';
import type { Stage, StateContext } from './stage.ts';

/** An image may have to be pulled first. */
const ROLLOUT_DEADLINE = 180;

/** What lives in the API: roles, labels and taints of the nodes, CoreDNS, the inventory's manifests. */
export const addons: Stage = {
  name: 'addons',
  title: 'Addons',
  hosts: (cluster) => hostsWith(cluster, 'master'),
  api: true,
  needs: ['network'],
  states: ({ cluster, manifests }) => [
    ...nodeHosts(cluster).map((host) => partial(nodeObject(host), host.source)),
    ...corednsObjects(cluster).map((object) => owned(object, 'CoreDNS')),
    ...userManifests(cluster, manifests),
  ],
  gate,
};

function userManifests(cluster: Cluster, manifests: StateContext['manifests']): ReturnType<typeof owned>[] {
  return cluster.addons.manifests.flatMap(({ name }) => {
    const source = `manifest ${name}`;
    return parseManifest(name, manifests.get(name) ?? '').map((object) => owned(object, source));
  });
}

/** With `none` nobody knows here when the network comes, so CoreDNS is not waited for. */
function gate({ cluster, facts }: GateContext): GateCheck[] {
  if (!cluster.addons.coredns.enabled || cluster.network.plugin === 'none') return [];
  return [rolledOut(cluster, apiHost(cluster, facts), { kind: 'Deployment', ...COREDNS }, ROLLOUT_DEADLINE)];
}
