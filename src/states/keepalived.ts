import { keepalivedHosts, vipInterface } from '../cluster/endpoint.ts';
import { heardGuard } from '../cluster/heard.ts';
import { owns } from '../cluster/laid.ts';
import type { Facts, HostFacts } from '../cluster/facts.ts';
import { vipGates } from '../cluster/vip.ts';
import { PATHS } from '../core/paths.ts';
import { secretly, type Secret } from '../core/secret.ts';
import { compareVersions } from '../core/versions.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import { render } from '../render/render.ts';
import { ref } from '../resources/kinds.ts';
import type { Resource } from '../resources/types.ts';
import { directory, file, inputs } from './build.ts';
import { carrierOf } from './carrier.ts';
import { HAPROXY_STATE } from './haproxy.ts';
import { vipRollout } from './masters-rollout.ts';
import { heldPackage, versionInput, versionInquiry } from './packages.ts';
import type { Stage, StateContext } from './stage.ts';

const UNIT = 'keepalived.service';
const UNIT_REF = `unit:${UNIT}`;
/**
 * A master is taken for dead after so many adverts. `timer_expired_backup` counts as many (three and a skew of up to one:
 * vrrp.c of Keepalived), so this is no setting; `keepalived.advertInterval` makes all of it longer or shorter.
 */
const MISSED_ADVERTS = 4;
/** Since when a master that wakes late leaves the VIP where it is: Keepalived's option `timer_expired_backup`. */
const STEPS_DOWN_LATE = '2.3.2';
/** The first releases whose Keepalived is that new. */
const RELEASES: Readonly<Record<string, string>> = { debian: '13', ubuntu: '25.04' };
const DROP_IN = `${PATHS.units}/${UNIT}.d`;

export const keepalived: Stage = {
  name: 'keepalived',
  title: 'Keepalived',
  about: 'keeps the VIP on one master whose HAProxy lives',
  hosts: keepalivedHosts,
  needs: ['haproxy'],
  states,
  inquire: versionInquiry('keepalived', keepalivedHosts),
  rollout,
  guard: (context) => heardGuard(context, newcomers(context.facts, context.batch)),
  gate: vipGates,
};

/** Those that have none yet start last: until their peers send them adverts they would take the VIP for lost. */
function rollout(cluster: Cluster, facts: Facts, changed: readonly string[]): string[][] {
  const fresh = newcomers(facts, changed);
  const known = changed.filter((host) => !fresh.includes(host));
  if (known.length === 0 || fresh.length === 0) return vipRollout(cluster, facts, changed);
  return [...vipRollout(cluster, facts, known), fresh];
}

function newcomers({ hosts }: Facts, names: readonly string[]): string[] {
  return names.filter((name) => !owns(hosts.get(name), UNIT_REF));
}

function states(context: StateContext): Resource[] {
  const config = {
    ...file(PATHS.keepalivedConfig, keepalivedConfig(context)),
    validate: ['keepalived', '-t', '-f', '{}'],
    requires: ['package:keepalived' as const],
  };
  const dropIn = file(
    `${DROP_IN}/mcpk.conf`,
    '# Written by mcpk.\n[Service]\nNice=-20\nRestart=always\nRestartSec=1\n',
  );
  return [
    heldPackage(context.cluster, 'keepalived', UNIT),
    config,
    directory(DROP_IN),
    dropIn,
    {
      kind: 'unit',
      name: UNIT,
      enabled: true,
      state: 'running',
      timeout: 30,
      // The drop-in says when systemd starts it again: nothing that needs a restart now.
      inputs: [
        ...inputs('restart', versionInput(context.cluster, 'keepalived')),
        ...inputs('reload', [ref(config)]),
        ...inputs('live', [ref(dropIn)]),
      ],
      requires: ['package:keepalived'],
    },
  ];
}

function keepalivedConfig({ cluster, host, own }: StateContext): string | Secret {
  const { endpoint, keepalived: settings } = cluster;
  const masters = keepalivedHosts(cluster);
  // Preflight has refused a host without one.
  const vipCarrier = vipInterface(cluster, host, own) ?? own.interfaces[0]?.name ?? 'eth0';
  const data = {
    host: host.name,
    ...settings,
    missedAdverts: MISSED_ADVERTS,
    stepsDownLate: stepsDownLate(cluster, own.os),
    // Keepalived binds its socket to it: from another one adverts with internalAddress would not reach the peers.
    interface: carrierOf(host, own)?.name ?? vipCarrier,
    vipInterface: vipCarrier,
    address: endpoint.address,
    haproxyState: HAPROXY_STATE,
    virtualRouterId: endpoint.virtualRouterId,
    priority: priorityOf(host, masters),
    source: host.internalAddress,
    peers: [...masters.filter((each) => each.name !== host.name), ...goneMasters(cluster)].map(
      (each) => each.internalAddress,
    ),
  };
  return secretly(data, (plain) => render('keepalived/keepalived.conf', plain));
}

/** An older Keepalived would not know the option, and refuse the file. */
function stepsDownLate({ versions }: Cluster, { id, version }: HostFacts['os']): boolean {
  const named = versions.keepalived;
  if (named !== undefined) return compareVersions(named, STEPS_DOWN_LATE) >= 0;
  const since = RELEASES[id];
  return since !== undefined && compareVersions(version, since) >= 0;
}

/** One that boots again hears from the others that the VIP has its place; one that hears nothing would take it. */
function goneMasters({ leaving }: Cluster): Host[] {
  return leaving.filter(({ roles, state }) => state === 'gone' && roles.includes('master'));
}

/** No two masters stand with one priority: of those that share one, each later one of the inventory goes one lower. */
export function priorityOf(host: Host, masters: readonly Host[]): number {
  const taken = new Set<number>();
  for (const master of [...masters].sort((a, b) => b.priority - a.priority)) {
    let priority = master.priority;
    while (taken.has(priority) && priority > 1) priority -= 1;
    taken.add(priority);
    if (master.name === host.name) return priority;
  }
  return host.priority;
}
