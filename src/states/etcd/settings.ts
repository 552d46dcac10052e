import { etcdFolders } from '../../cluster/etcd-folders.ts';
import { deepMerge } from '../../core/merge.ts';
import { ETCD_METRICS_PORT } from '../../core/ports.ts';
import { revealed } from '../../core/secret.ts';
import { minorNumber } from '../../core/versions.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { ETCD_PEER, LEAVES } from '../leaves/names.ts';
import { TRUST } from '../secrets.ts';
import type { StateContext } from '../stage.ts';
import { CIPHER_SUITES } from '../tls.ts';

/** What a member shall be to the others, and where its data shall lie, as the whole of the inventory has it. */
export function wantedMember(cluster: Cluster, host: Host): WantedMember {
  const settings = revealed(merged(cluster, base({ cluster, host })));
  const text = (name: string): string => textOf(settings[name]);
  const [dataDirectory, walDirectory = ''] = etcdFolders(cluster);
  return {
    host: host.name,
    name: text('name'),
    peerUrls: text('initial-advertise-peer-urls')
      .split(',')
      .map((url) => url.trim()),
    dataDirectory,
    walDirectory,
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

/** Over what is said here the inventory has the last word. */
export function merged({ etcd }: Cluster, settings: Record<string, unknown>): Record<string, unknown> {
  return deepMerge(deepMerge(settings, etcd.extraArgs), etcd.config);
}

/** All but who the others are. */
export function base({ cluster, host }: Pick<StateContext, 'cluster' | 'host'>): Record<string, unknown> {
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
    'peer-transport-security': { ...transport(LEAVES.etcdPeer), ...onlyMembers(versions.etcd) },
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
 * The peers' port takes members alone: not the clients of their authority, such as an API server. They have one name in
 * common, so nobody restarts when there are others. etcd 3.5 has no key for it.
 */
function onlyMembers(version: string): Record<string, unknown> {
  return minorNumber(version) >= 6 ? { 'allowed-hostname': [ETCD_PEER] } : {};
}

export function peerUrl(address: string): string {
  return `https://${address}:2380`;
}

export function clientUrl(address: string): string {
  return `https://${address}:2379`;
}
