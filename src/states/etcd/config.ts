import { load } from 'js-yaml';
import type { HostFacts } from '../../cluster/facts.ts';
import { deepMerge, isMap } from '../../core/merge.ts';
import { PATHS } from '../../core/paths.ts';
import { secretly, type Secret } from '../../core/secret.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import { toYaml } from '../../render/formats.ts';
import { ETCD_METRICS_PORT } from '../../cluster/etcd.ts';
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
  const { etcd } = context.cluster;
  return secretly(
    deepMerge(deepMerge({ ...base(context), ...bootstrap(context) }, etcd.extraArgs), etcd.config),
    toYaml,
  );
}

function base({ cluster, host }: StateContext): Record<string, unknown> {
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
 * A member with data keeps the lines that its file has: a changed one would do nothing but restart it. One without
 * data is a founder, or, in a cluster that has formed, a replacement, which must say `existing`.
 */
function bootstrap({ cluster, own, facts }: StateContext): Bootstrap {
  const founding = {
    'initial-cluster': hostsWith(cluster, 'etcd')
      .map((host) => `${host.name}=${peerUrl(host.internalAddress)}`)
      .join(','),
    'initial-cluster-state': facts.etcd === 'formed' ? 'existing' : 'new',
    'initial-cluster-token': cluster.name,
  };
  return own.etcdData ? { ...founding, ...takenOver(own) } : founding;
}

function takenOver(own: HostFacts): Partial<Bootstrap> {
  const text = own.files[PATHS.etcdConfig];
  const present = text === undefined ? undefined : parsed(text);
  if (!isMap(present)) return {};
  const names = ['initial-cluster', 'initial-cluster-state', 'initial-cluster-token'] as const;
  return Object.fromEntries(
    names.flatMap((name) => (typeof present[name] === 'string' ? [[name, present[name]]] : [])),
  );
}

/** A file that somebody broke holds nothing to take over. */
function parsed(text: string): unknown {
  try {
    return load(text);
  } catch {
    return undefined;
  }
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
