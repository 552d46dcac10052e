import { apiServerGuard, leavingGuard, retiredGuard } from '../../cluster/guards.ts';
import { losingTheirMember } from '../../cluster/own-member.ts';
import { knownMembers } from '../../cluster/etcd-phase.ts';
import type { EtcdMember, Facts } from '../../cluster/facts.ts';
import type { Guard } from '../../cluster/gate.ts';
import type { Cluster } from '../../inventory/types.ts';
import { oneAtATime } from '../masters-rollout.ts';
import type { GuardContext } from '../stage.ts';
import { isOf, movesOf, wantedMembers, type Leaver, type Moves } from './moves.ts';

/** The host with whose batch those leave who go first: one that stays, else the first that joins. */
export function carrierOf(cluster: Cluster, facts: Facts, { first, joiners }: Moves): string | undefined {
  if (first.length === 0) return undefined;
  const known = knownMembers(facts) ?? [];
  const stays = wantedMembers(cluster).find(
    (wanted) => facts.hosts.get(wanted.host)?.etcdData && known.some((member) => isOf(member, wanted)),
  );
  return stays?.host ?? joiners[0]?.host;
}

/** Hosts around which members leave or get their vote, whether anything on them changes or not. */
export function movingHosts(cluster: Cluster, facts: Facts): string[] {
  const moves = movesOf(cluster, facts);
  const carrier = carrierOf(cluster, facts, moves);
  return [...(carrier === undefined ? [] : [carrier]), ...moves.joiners.map(({ host }) => host)];
}

/** Hosts that are reached, and on which a member's data is removed. */
export function wipedHosts(cluster: Cluster, facts: Facts): string[] {
  const { first, joiners } = movesOf(cluster, facts);
  return [...first, ...joiners.flatMap(({ then }) => then)].flatMap(({ host, reached }) => (reached ? [host] : []));
}

/**
 * Who leaves goes first, then who joins, as that brings redundancy, then the others one at a time, the leader last. Of a
 * cluster that is down those with data together, as nobody is ready alone, and then the others, which a quorum must take
 * in.
 */
export function etcdRollout(cluster: Cluster, facts: Facts, changed: readonly string[]): string[][] {
  if (facts.etcd !== 'formed' && facts.etcd !== 'down') return [[...changed]];
  const moves = movesOf(cluster, facts);
  const hasData = (host: string): boolean => facts.hosts.get(host)?.etcdData ?? false;
  const wanted = wantedMembers(cluster).map(({ host }) => host);
  const joins = moves.joiners.map(({ host }) => host).filter((host) => changed.includes(host));
  const leaves = changed.filter((host) => !wanted.includes(host));
  const others = changed.filter((host) => !joins.includes(host) && !leaves.includes(host));
  const each = (hosts: readonly string[]): string[][] => hosts.map((host) => [host]);
  if (facts.etcd === 'down') {
    const together = others.filter(hasData);
    const blank = others.filter((host) => !hasData(host));
    return [...(together.length > 0 ? [together] : []), ...each(joins), ...each(blank), ...each(leaves)];
  }
  const carrier = others.filter((host) => host === carrierOf(cluster, facts, moves));
  const rest = others.filter((host) => !carrier.includes(host));
  const leader = facts.standing?.etcdLeader;
  const leads = (host: string): boolean =>
    leader === undefined ? (facts.hosts.get(host)?.holdsVip ?? false) : leader === host;
  return [
    ...each(carrier),
    ...each(joins),
    ...each(leaves),
    ...each(rest.filter((host) => !hasData(host))),
    ...oneAtATime(rest.filter(hasData), leads),
  ];
}

/** Members that ought to serve. Who joins has its own turn. */
export function downMembers(cluster: Cluster, facts: Facts): string[] {
  const { standing } = facts;
  if (standing === undefined) return [];
  const joins = movesOf(cluster, facts).joiners.map(({ host }) => host);
  return wantedMembers(cluster).flatMap(({ host }) =>
    joins.includes(host) || standing.etcd.includes(host) ? [] : [host],
  );
}

/** Names of the members with a vote when the turn of a batch has come. */
export function votersThen({ cluster, facts, batch, earlier }: GuardContext): string[] {
  const moves = movesOf(cluster, facts);
  const done = [...earlier, ...batch];
  const joined = moves.joiners.filter(({ host }) => earlier.includes(host));
  const left = [
    ...(done.includes(carrierOf(cluster, facts, moves) ?? '') ? moves.first : []),
    ...joined.flatMap(({ then }) => then),
  ].map(({ host }) => host);
  return [...new Set([...votersNow(cluster, facts), ...joined.map(({ host }) => host)])].filter(
    (name) => !left.includes(name),
  );
}

/** All that have a vote now. */
export function votersNow(cluster: Cluster, facts: Facts): string[] {
  const members: readonly EtcdMember[] = knownMembers(facts) ?? wantedMembers(cluster);
  return members.filter(({ isLearner }) => !isLearner).map(({ name }) => name);
}

/** What a batch in which members leave or join rests on. */
export function memberGuards(context: GuardContext): Guard[] {
  const { cluster, facts, batch } = context;
  if (facts.etcd !== 'formed') return [];
  const moves = movesOf(cluster, facts);
  const joining = moves.joiners.filter(({ host }) => batch.includes(host));
  const carries = batch.includes(carrierOf(cluster, facts, moves) ?? '');
  const voters = votersThen(context);
  const guardOf = (leavers: readonly Leaver[], staying: readonly string[], joined: readonly string[]): Guard[] => {
    const leaving = leavers.flatMap(({ host, member }) => (member === undefined || member.isLearner ? [] : [host]));
    return leaving.length === 0 ? [] : [leavingGuard(context, { leaving, staying, joined })];
  };
  const lets = carries || joining.some(({ then }) => then.length > 0);
  return [
    ...inTurn(context, moves),
    // From here on until the stage of the API servers, wherever in between a run ends.
    ...(lets ? apiServerGuard(context, losingTheirMember(cluster, facts)) : []),
    ...retiredGuard(
      context,
      [...(carries ? moves.first : []), ...joining.flatMap(({ then }) => then)].map(({ host }) => host),
    ),
    ...(carries ? guardOf(moves.first, voters, []) : []),
    ...joining.flatMap(({ host, then }) => {
      const staying = [...voters, host].filter((name) => !then.some((each) => each.host === name));
      return guardOf(then, staying, [host]);
    }),
  ];
}

/** Whoever joins names those who are there then, so nobody may be left out before; nor is who leaves stopped before it is out. */
function inTurn({ cluster, facts, batch, earlier }: GuardContext, moves: Moves): Guard[] {
  const wanted = wantedMembers(cluster).map(({ host }) => host);
  const carrier = carrierOf(cluster, facts, moves);
  const at = moves.joiners.findIndex(({ host, from }) => batch.includes(host) && from !== 'promote');
  const leaves = batch.find((host) => !wanted.includes(host));
  const host = at === -1 ? leaves : moves.joiners[at]?.host;
  if (host === undefined) return [];
  const before = [
    ...(carrier === undefined ? [] : [carrier]),
    ...moves.joiners.slice(0, at === -1 ? undefined : at).map((each) => each.host),
  ];
  const missing = before.filter((name) => !earlier.includes(name) && !batch.includes(name));
  return [
    {
      title: `${before.join(', ')} ${before.length === 1 ? 'is' : 'are'} seen to before ${host}`,
      asks: [],
      check: () => (missing.length === 0 ? undefined : `this run leaves out ${missing.join(', ')}`),
      deadline: 0,
      consequence: 'etcd does not take it in.',
    },
  ].filter(() => missing.length > 0);
}
