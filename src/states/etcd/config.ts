import { presentEtcd } from '../../cluster/etcd-file.ts';
import type { Facts, HostFacts } from '../../cluster/facts.ts';
import { deepMerge } from '../../core/merge.ts';
import { revealed, secretly, type Secret } from '../../core/secret.ts';
import { hostsWith, type Cluster, type Host } from '../../inventory/types.ts';
import { toYaml } from '../../render/formats.ts';
import { ETCD_METRICS_PORT } from '../../core/ports.ts';
import { LEAVES } from '../leaves/names.ts';
import { minorNumber } from '../../core/versions.ts';
import { TRUST } from '../secrets.ts';
import type { StateContext } from '../stage.ts';
import { CIPHER_SUITES } from '../tls.ts';

/** Lines that say how a member first joined; etcd ignores them once the member has data. */
type Bootstrap = Record<'initial-cluster' | 'initial-cluster-state' | 'initial-cluster-token', string>;

/**
 * etcd.yaml: with a configuration file etcd ignores flags and variables, so `extraArgs` land in it too
 * (its keys are named as the flags are).
 */
export function etcdConfig(context: StateContext): string | Secret {
  const settings = merged(context.cluster, { ...base(context), ...bootstrap(context) });
  // Whatever else the inventory sets: with `new` a member whose data is gone would found a cluster of its own.
  const state = hasFormed(context.facts) ? { 'initial-cluster-state': 'existing' } : {};
  return secretly({ ...settings, ...state }, toYaml);
}

/** Whoever has data never looks at this line again. As what it counts is what version 0.1.0 left there for ever. */
export const STATE_LINE = { line: '^initial-cluster-state: .*$', as: 'initial-cluster-state: new' };

export const EXISTING = 'initial-cluster-state: existing';

/** What a member shall be to the others, and where its data shall lie, as the whole of the inventory has it. */
export function wantedMember(cluster: Cluster, host: Host): WantedMember {
  const settings = revealed(merged(cluster, base({ cluster, host })));
  const text = (name: string): string => textOf(settings[name]);
  return {
    host: host.name,
    name: text('name'),
    peerUrls: text('initial-advertise-peer-urls')
      .split(',')
      .map((url) => url.trim()),
    dataDirectory: text('data-dir'),
    walDirectory: text('wal-dir'),
  };
}

export function textOf(setting: unknown): string {
  return typeof setting === 'string' ? setting : '';
}

export interface WantedMember {
  host: string;
  name: string;
  peerUrls: readonly string[];
  dataDirectory: string;
  /** Empty: in the data directory. */
  walDirectory: string;
}

function merged({ etcd }: Cluster, settings: Record<string, unknown>): Record<string, unknown> {
  return deepMerge(deepMerge(settings, etcd.extraArgs), etcd.config);
}

function base({ cluster, host }: Pick<StateContext, 'cluster' | 'host'>): Record<string, unknown> {
  const { etcd, versions } = cluster;
  const own = host.internalAddress;
  return {
    name: host.name,
    'data-dir': etcd.dataDirectory,
    'listen-peer-urls': `https://${own}:2380`,
    'initial-advertise-peer-urls': peerUrl(own),
    'listen-client-urls': `https://${own}:2379,https://127.0.0.1:2379`,
    'advertise-client-urls': clientUrl(own),
    // Without TLS, as it is on loopback: health and metrics for those who are on the host.
    'listen-metrics-urls': `http://127.0.0.1:${String(ETCD_METRICS_PORT)}`,
    'heartbeat-interval': etcd.heartbeatInterval,
    'election-timeout': etcd.electionTimeout,
    'quota-backend-bytes': etcd.quotaBytes,
    'strict-reconfig-check': true,
    ...corruptCheck(versions.etcd),
    'client-transport-security': transport(LEAVES.etcdServer),
    'peer-transport-security': { ...transport(LEAVES.etcdPeer), ...onlyMembers(cluster) },
    'cipher-suites': [...CIPHER_SUITES],
    'tls-min-version': 'TLS1.2',
  };
}

/** A feature gate from 3.6 on; the `experimental-` name stops etcd 3.7 from starting. */
function corruptCheck(version: string): Record<string, unknown> {
  return minorNumber(version) >= 6
    ? { 'feature-gates': 'InitialCorruptCheck=true' }
    : { 'experimental-initial-corrupt-check': true };
}

function transport(leaf: string): Record<string, unknown> {
  return {
    'cert-file': `${leaf}.crt`,
    'key-file': `${leaf}.key`,
    'client-cert-auth': true,
    'trusted-ca-file': TRUST.etcd,
  };
}

/**
 * The peers' port takes members alone: not the clients of their authority, such as an API server. etcd 3.5 has no key
 * for it. A host that shall join must be in the lists of the others before it does, so they roll first.
 */
function onlyMembers(cluster: Cluster): Record<string, unknown> {
  if (minorNumber(cluster.versions.etcd) < 6) return {};
  const names = hostsWith(cluster, 'etcd').map((host) => host.name);
  return { 'allowed-cn': names.toSorted() };
}

/**
 * A member with data keeps the names that its file has: changed ones would do nothing but restart it. One without
 * data is a founder, or, in a cluster that has formed, a replacement.
 */
function bootstrap({ cluster, own, facts }: StateContext): Bootstrap {
  const founding = {
    'initial-cluster': hostsWith(cluster, 'etcd')
      .map((host) => `${host.name}=${peerUrl(host.internalAddress)}`)
      .join(','),
    'initial-cluster-state': hasFormed(facts) ? 'existing' : 'new',
    'initial-cluster-token': cluster.name,
  };
  return own.etcdData ? { ...founding, ...takenOver(own) } : founding;
}

/** Of a cluster that is or was one: a member that lost its data must find the others, never found another cluster. */
function hasFormed({ etcd }: Facts): boolean {
  return etcd !== 'none' && etcd !== 'forming';
}

function takenOver(own: HostFacts): Partial<Bootstrap> {
  const present = presentEtcd(own);
  const names = ['initial-cluster', 'initial-cluster-token'] as const;
  return Object.fromEntries(
    names.flatMap((name) => (typeof present[name] === 'string' ? [[name, present[name]]] : [])),
  );
}

export function peerUrl(address: string): string {
  return `https://${address}:2380`;
}

export function clientUrl(address: string): string {
  return `https://${address}:2379`;
}

/** Where an API server on this host finds etcd: its own member if it has one. */
export function etcdServers(cluster: Cluster, host: { roles: readonly string[] }): string[] {
  // With all members listed, a dead one holds requests for up to 40 s.
  if (host.roles.includes('etcd')) return [clientUrl('127.0.0.1')];
  return hostsWith(cluster, 'etcd').map((member) => clientUrl(member.internalAddress));
}
