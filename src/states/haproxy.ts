import { haproxyHosts, hasVip } from '../cluster/endpoint.ts';
import { HAPROXY_BACKEND, haproxyGates } from '../cluster/haproxy.ts';
import { owns } from '../cluster/laid.ts';
import { PATHS, SECRETS } from '../core/paths.ts';
import { secretly, type Secret } from '../core/secret.ts';
import { NONLOCAL_BIND, SYSCTL_FILES } from '../core/sysctls.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import { render } from '../render/render.ts';
import { ref } from '../resources/kinds.ts';
import type { Ref, Resource } from '../resources/types.ts';
import { directory, file, inputs } from './build.ts';
import { HAPROXY_ENDPOINT_PEM, HAPROXY_FRONT_PROXY_PEM } from './leaves/names.ts';
import { vipRollout } from './masters-rollout.ts';
import { heldPackage, versionInput, versionInquiry } from './packages.ts';
import { TRUST } from './secrets.ts';
import type { AroundContext, Stage, StateContext, Step } from './stage.ts';
import { starting, stopping } from './unit-steps.ts';

const UNIT = 'haproxy.service';
const KEEPALIVED = 'keepalived.service';
const DROP_IN = `${PATHS.units}/${UNIT}.d`;

/**
 * 0 or 1: whether HAProxy is down. Keepalived watches it: at once, without a process each second. (Its own
 * track_process asks the kernel for process events, which a container does not get.)
 */
export const HAPROXY_STATE = '/run/haproxy.down';

export const haproxy: Stage = {
  name: 'haproxy',
  title: 'HAProxy',
  about: 'the load balancer in front of the API servers',
  hosts: haproxyHosts,
  needs: ['system', 'certificates', 'departure'],
  states,
  inquire: versionInquiry('haproxy', haproxyHosts),
  rollout: vipRollout,
  around: handOver,
  gate: haproxyGates,
};

function states({ cluster }: StateContext): Resource[] {
  const leaves: Ref[] =
    cluster.endpoint.tls === 'terminate'
      ? [`certificate:${HAPROXY_ENDPOINT_PEM}`, `certificate:${HAPROXY_FRONT_PROXY_PEM}`]
      : [];
  const read: Ref[] = [`sharedSecret:${SECRETS.clusterAuthority}`, ...leaves];
  const config = {
    ...file(PATHS.haproxyConfig, haproxyConfig(cluster)),
    validate: ['haproxy', '-c', '-f', '{}'],
    requires: ['package:haproxy', ...read] satisfies Ref[],
  };
  const dropIn = file(`${DROP_IN}/mcpk.conf`, render('haproxy/drop-in.conf', { state: HAPROXY_STATE }));
  return [
    heldPackage(cluster, 'haproxy', UNIT),
    ...nonlocalBind(cluster),
    config,
    directory(DROP_IN),
    dropIn,
    {
      kind: 'unit',
      name: UNIT,
      enabled: true,
      state: 'running',
      timeout: 30,
      // A reload keeps the connections that are open; the old process serves them to their end.
      inputs: [
        ...inputs('restart', [...versionInput(cluster, 'haproxy'), ref(dropIn)]),
        ...inputs('reload', [ref(config), ...read]),
      ],
      requires: ['package:haproxy', ...(hasVip(cluster) ? ([`sysctl:${NONLOCAL_BIND}`] as const) : [])],
    },
  ];
}

function nonlocalBind(cluster: Cluster): Resource[] {
  if (!hasVip(cluster)) return [];
  return [{ kind: 'sysctl', key: NONLOCAL_BIND, value: '1' }, file(SYSCTL_FILES.haproxy, `${NONLOCAL_BIND} = 1\n`)];
}

export function haproxyConfig(cluster: Cluster): string | Secret {
  const { endpoint, haproxy: settings, apiServer } = cluster;
  const data = {
    ...settings,
    endpoint,
    terminate: endpoint.tls === 'terminate',
    backend: HAPROXY_BACKEND,
    authority: TRUST.cluster,
    endpointPem: HAPROXY_ENDPOINT_PEM,
    frontProxyPem: HAPROXY_FRONT_PROXY_PEM,
    // Every O of a subject becomes a group; a certificate with more is refused.
    organizations: Array.from({ length: MAX_ORGANIZATIONS }, (_, index) => index + 1),
    tooManyOrganizations: MAX_ORGANIZATIONS + 1,
    servers: hostsWith(cluster, 'master').map((host) => ({
      name: host.name,
      address: `${host.internalAddress}:${String(apiServer.port)}`,
    })),
  };
  return secretly(data, (plain) => render('haproxy/haproxy.cfg', plain));
}

const MAX_ORGANIZATIONS = 16;

/** The VIP leaves before its HAProxy restarts (a reload needs no such thing). */
function handOver({ facts, batch, restarting }: AroundContext): { before: Step[]; after: Step[] } {
  const holders = batch.filter(
    (host) =>
      (facts.hosts.get(host)?.holdsVip ?? false) &&
      owns(facts.hosts.get(host), `unit:${KEEPALIVED}`) &&
      restarting?.get(host)?.includes(UNIT) === true,
  );
  return {
    before: holders.map((host) => ({
      title: `hand the VIP over from ${host}`,
      on: host,
      ...stopping(KEEPALIVED),
    })),
    after: holders.map((host) => ({ title: `let ${host} stand by for the VIP`, on: host, ...starting(KEEPALIVED) })),
  };
}
