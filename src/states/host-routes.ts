import { dirname } from 'node:path/posix';
import { POD_GATEWAY, ROUTE_PROTOCOL } from '../core/routes.ts';
import { render } from '../render/render.ts';
import { ref } from '../resources/kinds.ts';
import type { CommandResource, FileResource, Resource } from '../resources/types.ts';
import { directory, file, inputs, lines, unitPath } from './build.ts';
import { carrierOf } from './carrier.ts';
import type { StateContext } from './stage.ts';

const NETWORK_UNIT = 'mcpk-network.service';
export const NETWORK_FOLDER = '/etc/mcpk/network';
const ROUTES = `${NETWORK_FOLDER}/routes`;
const NFTABLES_DROP_IN = `${unitPath('nftables.service')}.d/10-mcpk-network.conf`;

export interface HostRoutes {
  /** As ip(8) takes and shows them: `10.244.1.0/24 via 10.77.0.12`, `169.254.1.1 dev eth0`. */
  routes: readonly string[];
  /** nftables rules of the pods, in {@link NETWORK_FOLDER}, and the table that they make. */
  rules?: { file: FileResource; table: string };
  /** What routes and rules are there for: the title of what mends them. */
  title: string;
  /** A mistake in them may cut the host off: put back unless it is reached afterwards. */
  guarded: boolean;
}

/**
 * What a host itself sends to a Service, as an API server does to webhooks, is led to a pod by kube-proxy's rules; the
 * kernel comes to them only with a packet that it has a route for, whichever one.
 */
export function routeToServices(context: StateContext): string[] {
  return context.own.hasDefaultRoute ? [] : byCarrier(context, context.cluster.network.serviceCidr);
}

/** A route by the interface that carries what pods send; none where that was not seen. */
export function byCarrier({ host, own }: StateContext, to: string): string[] {
  const carrier = carrierOf(host, own);
  return carrier === undefined ? [] : [`${to} dev ${carrier.name}`];
}

/** Routes in place of a default one, where any are needed. */
export function withoutDefaultRoute(routes: readonly string[]): Resource[] {
  if (routes.length === 0) return [];
  const targets = routes.map((route) => String(route.split(' ', 1)[0]));
  const named = targets.map((to) => `${to} (${to === POD_GATEWAY ? "the gateway of Calico's pods" : 'Services'})`);
  return hostRoutes({
    routes,
    title: `routes to ${named.join(' and ')}: the host has no default route`,
    guarded: false,
  });
}

/** Routes that the pods' network needs on a host, laid by a unit of ours at each boot and mended when they are gone. */
export function hostRoutes(wanted: HostRoutes): Resource[] {
  const { routes, rules, guarded } = wanted;
  const batch = file(ROUTES, routesBatch(routes));
  const unitFile = file(
    unitPath(NETWORK_UNIT),
    render('cni/mcpk-network.service', {
      routes: ROUTES,
      protocol: ROUTE_PROTOCOL,
      hasRules: rules !== undefined,
      rules: rules?.file.path ?? '',
      table: rules?.table ?? '',
    }),
  );
  const ofRules = rules
    ? [rules.file, file(NFTABLES_DROP_IN, render('cni/nftables.conf', { rules: rules.file.path }))]
    : [];
  return [
    directory('/etc/mcpk'),
    directory(NETWORK_FOLDER),
    batch,
    ...(rules ? [directory(dirname(NFTABLES_DROP_IN))] : []),
    ...ofRules,
    unitFile,
    {
      kind: 'unit',
      name: NETWORK_UNIT,
      ...(guarded ? { guarded } : {}),
      enabled: true,
      state: 'running',
      inputs: [
        // With the drop-in systemd reads its files anew.
        ...inputs('reload', [ref(batch), ...ofRules.map(ref)]),
        ...inputs('restart', [ref(unitFile)]),
      ],
    },
    inKernel(wanted),
  ];
}

/** A batch for ip(8): our routes are replaced as a whole within a millisecond. */
function routesBatch(routes: readonly string[]): string {
  return lines([
    `route flush proto ${ROUTE_PROTOCOL}`,
    ...routes.map((route) => `route replace ${route} proto ${ROUTE_PROTOCOL}`),
  ]);
}

/**
 * $1 = the mark of our routes, $2 = a table of rules or nothing, the rest = routes: those with our mark in the kernel
 * are these and no others, and the table is there. Few processes, as it is asked on every run.
 */
const IN_KERNEL = `routes="
$(ip -4 route show proto "$1")
"
table=$2
shift 2
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
[ $# = "$wanted" ] || exit 1
[ -z "$table" ] || exec nft list table ip "$table"`;

/** Routes and rules live in the kernel, where others may remove them while files and unit stay as they are. */
function inKernel({ routes, rules, title, guarded }: HostRoutes): CommandResource {
  return {
    kind: 'command',
    id: 'pod-routes',
    title,
    ...(guarded ? { guarded } : {}),
    argv: ['systemctl', 'reload', NETWORK_UNIT],
    unless: ['sh', '-c', IN_KERNEL, 'sh', ROUTE_PROTOCOL, rules?.table ?? '', ...routes],
    requires: [`unit:${NETWORK_UNIT}`],
  };
}
