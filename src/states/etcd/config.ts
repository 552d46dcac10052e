import { presentEtcd } from '../../cluster/etcd-file.ts';
import type { Facts, HostFacts } from '../../cluster/facts.ts';
import { secretly, type Secret } from '../../core/secret.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import { toYaml } from '../../render/formats.ts';
import type { StateContext } from '../stage.ts';
import { initialCluster, movesOf, wantedMembers, type PeerUrls } from './moves.ts';
import { base, clientUrl, merged, wantedMember } from './settings.ts';

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

/** Whoever has data never looks at these lines again. */
export const JOINING_LINES = '^initial-cluster(-state)?: .*$';

/** As `sed` puts them: with these a member that loses its data founds no cluster. */
export function joinedLines(peers: string): string[] {
  const lines = { 'initial-cluster': peers, 'initial-cluster-state': 'existing' };
  return Object.entries(lines).flatMap(([name, value]) => [
    '-e',
    `s|^${name}: .*$|${name}: ${value.replaceAll(/[\\|&]/g, String.raw`\$&`)}|`,
  ]);
}

/**
 * A member's file names its peers, as they are when all is done, and not itself: one whose data is lost then ends at its
 * start ("couldn't find local name"). Naming itself too it would come back under its old id with an empty log, and could
 * vote away what it had acknowledged. Who is to join names who is there at that time, and itself; founders name each
 * other.
 */
function bootstrap({ cluster, host, own, facts }: StateContext): Bootstrap {
  const founding = {
    'initial-cluster': initialCluster(wantedMembers(cluster)),
    'initial-cluster-state': hasFormed(facts) ? 'existing' : 'new',
    'initial-cluster-token': cluster.name,
  };
  const kept = own.etcdData ? takenOver(own) : {};
  const { joiners, members } = movesOf(cluster, facts);
  const joiner = own.etcdData ? undefined : joiners.find((each) => each.host === host.name);
  const named = joiner ? initialCluster(joiner.among) : peersOf(wantedMember(cluster, host).name, members);
  return { ...founding, ...kept, ...(members.length === 0 ? {} : { 'initial-cluster': named }) };
}

/** A single member names itself: without data it finds nobody else, and ends too. */
export function peersOf(name: string, members: readonly PeerUrls[]): string {
  const others = members.filter((each) => each.name !== name);
  return initialCluster(others.length > 0 ? others : members);
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

/** Where an API server on this host finds etcd: its own member if it has one. */
export function etcdServers(cluster: Cluster, host: { roles: readonly string[] }): string[] {
  // With all members listed, a dead one holds requests for up to 40 s.
  if (host.roles.includes('etcd')) return [clientUrl('127.0.0.1')];
  return hostsWith(cluster, 'etcd').map((member) => clientUrl(member.internalAddress));
}
