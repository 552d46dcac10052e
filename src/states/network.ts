import { nodeReady } from '../cluster/nodes.ts';
import type { Facts } from '../cluster/facts.ts';
import { inCidr } from '../core/ipv4.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import type { Resource } from '../resources/types.ts';
import { wrongParts } from './bridge/parts.ts';
import { bridge } from './bridge/resources.ts';
import { calicoHost } from './calico/hosts.ts';
import { fixedProblems } from './network/fixed.ts';
import { routeToServices, withoutDefaultRoute } from './host-routes.ts';
import { nodeBatches, nodeHosts } from './node-rollout.ts';
import type { DeferredStates, Problem, Stage, StateContext } from './stage.ts';

/** What a plugin lays on the hosts; Calico's objects are the addons stage's, as they live in the API. */
export const network: Stage = {
  name: 'network',
  title: 'Pod network',
  about: 'routes, rules and CNI configuration that the network plugin needs on the hosts',
  hosts: nodeHosts,
  needs: ['nodes'],
  states: hostStates,
  problems,
  rollout: nodeBatches,
  gate: ({ cluster, facts, hosts }) =>
    cluster.network.plugin === 'bridge'
      ? hosts.map((host) => nodeReady(cluster, facts, host, { withoutNetwork: false, deadline: 60 }))
      : [],
};

/** `none` lays no plugin, so nothing owned of one stays either. */
function hostStates(context: StateContext): Resource[] | DeferredStates {
  switch (context.cluster.network.plugin) {
    case 'bridge':
      return bridge(context);
    case 'calico':
      return calicoHost(context);
    case 'none':
      return withoutDefaultRoute(routeToServices(context));
  }
}

function problems(cluster: Cluster, facts: Facts): Problem[] {
  return [
    ...fixedProblems(cluster, facts),
    ...(cluster.network.plugin === 'bridge' ? [...wrongParts(cluster, facts), ...apartHosts(cluster, facts)] : []),
  ];
}

/** Routes by way of a peer need that peer in the same subnet. */
function apartHosts(cluster: Cluster, facts: Facts): Problem[] {
  return nodeHosts(cluster).flatMap((host) => {
    const apart = nodeHosts(cluster).filter((peer) => !reachesDirectly(host, peer, facts));
    if (apart.length === 0) return [];
    const names = apart.map((peer) => `${peer.name} (${peer.internalAddress})`).join(', ');
    return [
      {
        host: host.name,
        message: `not in one subnet with ${names}: the bridge network has no way between them`,
        hint: 'Use network.plugin: calico.',
      },
    ];
  });
}

/** True also for a host that did not answer: nothing is known against it. */
function reachesDirectly(host: Host, peer: Host, facts: Facts): boolean {
  const interfaces = facts.hosts.get(host.name)?.interfaces;
  if (interfaces === undefined || peer === host) return true;
  return interfaces.some(({ addresses }) =>
    addresses.some(({ address, prefix }) => inCidr(peer.internalAddress, `${address}/${String(prefix)}`)),
  );
}
