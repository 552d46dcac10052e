import type { Facts } from '../cluster/facts.ts';
import type { GateCheck, GateContext } from '../cluster/gate.ts';
import { apiHost } from '../cluster/kubectl.ts';
import { rolledOut } from '../cluster/workloads.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import { nodeReady } from '../cluster/nodes.ts';
import { podMtu } from './calico/hosts.ts';
import { CALICO, calicoObjects } from './calico/objects.ts';
import { COREDNS, corednsObjects } from './coredns/objects.ts';
import { owned, partial } from './kube-objects.ts';
import { parseManifest } from './manifests.ts';
import { nodeObject } from './node-objects.ts';
import { nodeHosts } from './node-rollout.ts';
import type { Stage, StateContext } from './stage.ts';

/** An image may have to be pulled first. */
const ROLLOUT_DEADLINE = 180;

/** What lives in the API: roles, labels and taints of the nodes, Calico, CoreDNS, the inventory's manifests. */
export const addons: Stage = {
  name: 'addons',
  title: 'Addons',
  about: 'what lives in the API: roles, labels and taints of nodes, Calico, CoreDNS, your manifests',
  hosts: (cluster) => hostsWith(cluster, 'master'),
  api: true,
  needs: ['network'],
  states: ({ cluster, facts, manifests }) => [
    ...nodeHosts(cluster).map((host) => partial(nodeObject(host), host.source)),
    ...(cluster.network.plugin === 'calico'
      ? calicoObjects(cluster, manifests.get(CALICO.manifest), podMtu(cluster, facts))
      : []
    ).map((object) => owned(object, 'Calico')),
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

function gate({ cluster, facts }: GateContext): GateCheck[] {
  const asked = apiHost(cluster, facts);
  return [...calicoGates(cluster, facts, asked), ...corednsGates(cluster, asked)];
}

function calicoGates(cluster: Cluster, facts: Facts, asked: string): GateCheck[] {
  if (cluster.network.plugin !== 'calico') return [];
  const { namespace, node, controllers } = CALICO;
  const hosts = nodeHosts(cluster).filter((host) => facts.hosts.has(host.name));
  return [
    rolledOut(cluster, asked, { kind: 'DaemonSet', namespace, name: node }, ROLLOUT_DEADLINE),
    rolledOut(cluster, asked, { kind: 'Deployment', namespace, name: controllers }, ROLLOUT_DEADLINE),
    ...hosts.map((host) => nodeReady(cluster, facts, host.name, { withoutNetwork: false, deadline: ROLLOUT_DEADLINE })),
  ];
}

/** With `none` nobody knows here when the network comes, so CoreDNS is not waited for. */
function corednsGates(cluster: Cluster, asked: string): GateCheck[] {
  if (!cluster.addons.coredns.enabled || cluster.network.plugin === 'none') return [];
  return [rolledOut(cluster, asked, { kind: 'Deployment', ...COREDNS }, ROLLOUT_DEADLINE)];
}
