import type { Facts } from '../../cluster/facts.ts';
import { failure, McpkError } from '../../core/errors.ts';
import { PATHS } from '../../core/paths.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { render } from '../../render/render.ts';
import { ref, type CommandResource, type Resource } from '../../resources/types.ts';
import { directory, file, inputs, unitPath } from '../build.ts';
import { nodeHosts } from '../node-rollout.ts';
import type { DeferredStates, StateContext } from '../stage.ts';
import { BRIDGE_CONFLIST, bridgeConflist } from './conflist.ts';
import { partsOutside, wrongParts } from './parts.ts';

const NETWORK_UNIT = 'mcpk-network.service';
const FOLDER = '/etc/mcpk/network';
const ROUTES = `${FOLDER}/routes`;
const RULES = `${FOLDER}/pods.nft`;

/** Marks our routes, so that they can be replaced and removed without touching others. */
const ROUTE_PROTOCOL = '77';

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
  const peers = routesTo(cluster, facts, host);
  const routes = file(ROUTES, routesBatch(peers));
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
      guarded: true,
      enabled: true,
      state: 'running',
      inputs: [...inputs('reload', [ref(routes), ref(rules)]), ...inputs('restart', [ref(unitFile)])],
    },
    inKernel(peers),
    directory('/etc/cni'),
    // The first name in this folder wins, so a leftover of another plugin would.
    { ...directory(PATHS.cniConfig), exclusive: true },
    file(BRIDGE_CONFLIST, bridgeConflist(cluster, host, own, podCidr)),
  ];
}

function checkParts(cluster: Cluster, facts: Facts): void {
  const problems = [...partsOutside(cluster, facts), ...wrongParts(cluster, facts)];
  const errors = problems.map(({ message, host, hint }) => new McpkError('refused', message, { host, hint }));
  const [first, ...rest] = errors;
  if (first) throw failure([first, ...rest]);
}

interface PeerRoute {
  cidr: string;
  via: string;
}

function routesTo(cluster: Cluster, facts: Facts, host: Host): PeerRoute[] {
  return nodeHosts(cluster)
    .filter((peer) => peer.name !== host.name)
    .flatMap((peer) => {
      const cidr = facts.nodes?.get(peer.name)?.podCidr;
      return cidr === undefined ? [] : [{ cidr, via: peer.internalAddress }];
    });
}

/** A batch for ip(8): our routes are replaced as a whole within a millisecond. */
function routesBatch(routes: readonly PeerRoute[]): string {
  const lines = routes.map(({ cidr, via }) => `route replace ${cidr} via ${via} proto ${ROUTE_PROTOCOL}`);
  return [`route flush proto ${ROUTE_PROTOCOL}`, ...lines].map((line) => `${line}\n`).join('');
}

/**
 * Its words come as arguments, `CIDR via ADDRESS` each: the kernel's routes with our mark are these and no others, and
 * the table with the rules is there. Few processes, as it is asked on every run.
 */
const IN_KERNEL = `routes="
$(ip -4 route show proto "$1")
"
shift
for route; do
  case $routes in
    *"
$route "*) ;;
    *) exit 1 ;;
  esac
done
wanted=$#
IFS='
'
set -f
set -- $routes
[ $# = "$wanted" ] && exec nft list table ip mcpk_pods`;

/** Routes and rules live in the kernel, where others may remove them while files and unit stay as they are. */
function inKernel(routes: readonly PeerRoute[]): CommandResource {
  return {
    kind: 'command',
    id: 'pod-routes',
    title: 'routes and masquerading of the pods in the kernel',
    guarded: true,
    argv: ['systemctl', 'reload', NETWORK_UNIT],
    unless: ['sh', '-c', IN_KERNEL, 'sh', ROUTE_PROTOCOL, ...routes.map(({ cidr, via }) => `${cidr} via ${via}`)],
    requires: [`unit:${NETWORK_UNIT}`],
  };
}
