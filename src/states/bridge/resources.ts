import type { Facts } from '../../cluster/facts.ts';
import { failure, McpkError } from '../../core/errors.ts';
import { PATHS } from '../../core/paths.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { render } from '../../render/render.ts';
import type { Resource } from '../../resources/types.ts';
import { directory, file, PRIVATE } from '../build.ts';
import { hostRoutes, NETWORK_FOLDER, routeToServices } from '../host-routes.ts';
import { nodeHosts } from '../node-rollout.ts';
import type { DeferredStates, StateContext } from '../stage.ts';
import { BRIDGE_CONFLIST, bridgeConflist } from './conflist.ts';
import { partsOutside, wrongParts } from './parts.ts';

/**
 * Pods on a Linux bridge per node, routes between the nodes, masquerading towards everything else.
 *
 * @throws McpkError `refused` for a part of podCidr that nobody may have: nodes register after preflight, too
 */
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
  checkParts(cluster, facts);
  const rules = {
    ...file(`${NETWORK_FOLDER}/pods.nft`, render('cni/pods.nft', { podCidr: cluster.network.podCidr })),
    validate: ['nft', '-c', '-f', '{}'],
  };
  return [
    ...hostRoutes({
      routes: [...routesTo(cluster, facts, host), ...routeToServices(context)],
      rules: { file: rules, table: 'mcpk_pods' },
      title: 'routes and masquerading of the pods in the kernel',
      guarded: true,
    }),
    directory('/etc/cni'),
    // The first name in this folder wins, so a leftover of another plugin would.
    { ...directory(PATHS.cniConfig), exclusive: true },
    file(BRIDGE_CONFLIST, bridgeConflist(cluster, host, own, podCidr), PRIVATE),
  ];
}

function checkParts(cluster: Cluster, facts: Facts): void {
  const problems = [...partsOutside(cluster, facts), ...wrongParts(cluster, facts)];
  const errors = problems.map(({ message, host, hint }) => new McpkError('refused', message, { host, hint }));
  const [first, ...rest] = errors;
  if (first) throw failure([first, ...rest]);
}

function routesTo(cluster: Cluster, facts: Facts, host: Host): string[] {
  return nodeHosts(cluster)
    .filter((peer) => peer.name !== host.name)
    .flatMap((peer) => {
      const cidr = facts.nodes?.get(peer.name)?.podCidr;
      return cidr === undefined ? [] : [`${cidr} via ${peer.internalAddress}`];
    });
}
