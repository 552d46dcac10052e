import type { Facts } from '../../cluster/facts.ts';
import { PATHS } from '../../core/paths.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { render } from '../../render/render.ts';
import { ref, type Resource } from '../../resources/types.ts';
import { directory, file, inputs, unitPath } from '../build.ts';
import { nodeHosts } from '../node-rollout.ts';
import type { DeferredStates, StateContext } from '../stage.ts';
import { bridgeConflist } from './conflist.ts';

export const NETWORK_UNIT = 'mcpk-network.service';
const FOLDER = '/etc/mcpk/network';
const ROUTES = `${FOLDER}/routes`;
const RULES = `${FOLDER}/pods.nft`;

/** Marks our routes, so that they can be replaced and removed without touching others. */
const ROUTE_PROTOCOL = 77;

/** Pods on a Linux bridge per node, routes between the nodes, masquerading towards everything else. */
export function bridge(context: StateContext): Resource[] | DeferredStates {
  const { cluster, host, facts, own } = context;
  const podCidr = facts.nodes?.get(host.name)?.podCidr;
  if (podCidr === undefined) {
    return {
      deferred: true,
      until: 'nodes',
      why: `the cluster gives each node its part of ${cluster.network.podCidr} when it registers`,
    };
  }
  const routes = file(ROUTES, routesBatch(cluster, facts, host));
  const rules = {
    ...file(RULES, render('cni/pods.nft', { podCidr: cluster.network.podCidr })),
    validate: ['nft', '-c', '-f', '{}'],
  };
  const unitFile = file(
    unitPath(NETWORK_UNIT),
    render('cni/mcpk-network.service', { routes: ROUTES, rules: RULES, protocol: ROUTE_PROTOCOL }),
  );
  return [
    directory('/etc/mcpk'),
    directory(FOLDER),
    routes,
    rules,
    unitFile,
    {
      kind: 'unit',
      name: NETWORK_UNIT,
      enabled: true,
      state: 'running',
      inputs: [...inputs('reload', [ref(routes), ref(rules)]), ...inputs('restart', [ref(unitFile)])],
    },
    directory('/etc/cni'),
    // The first name in this folder wins, so a leftover of another plugin would.
    { ...directory(PATHS.cniConfig), exclusive: true },
    file(`${PATHS.cniConfig}/10-mcpk-bridge.conflist`, bridgeConflist(cluster, host, own, podCidr)),
  ];
}

/** A batch for ip(8): our routes are replaced as a whole within a millisecond. */
function routesBatch(cluster: Cluster, facts: Facts, host: Host): string {
  const routes = nodeHosts(cluster)
    .filter((peer) => peer.name !== host.name)
    .flatMap((peer) => {
      const podCidr = facts.nodes?.get(peer.name)?.podCidr;
      return podCidr === undefined
        ? []
        : [`route replace ${podCidr} via ${peer.internalAddress} proto ${String(ROUTE_PROTOCOL)}`];
    });
  return [`route flush proto ${String(ROUTE_PROTOCOL)}`, ...routes].map((line) => `${line}\n`).join('');
}
