import { knownMembers, quorumOf } from '../../cluster/etcd-phase.ts';
import type { EtcdMember, Facts } from '../../cluster/facts.ts';
import { owns } from '../../cluster/laid.ts';
import { ETCD_UNIT } from '../../cluster/own-member.ts';
import { hostsWith, type Cluster, type Host } from '../../inventory/types.ts';
import { wantedMember, type WantedMember } from './settings.ts';

/** Whose member leaves, or has left without all of what it had on its host. */
export interface Leaver {
  host: string;
  /** As etcd lists it; absent once it is out. */
  member?: EtcdMember;
  /** The host is reached: what is of etcd there goes too. */
  reached: boolean;
}

/** A host that becomes a member: added as a learner, started, promoted, one at a time. */
export interface Joiner {
  host: string;
  /** What comes next; the rest follows. */
  from: 'add' | 'start' | 'promote';
  /** The members once it is one, itself among them. */
  among: readonly PeerUrls[];
  /** Who may leave only once this one is in, as a quorum needs him until then. */
  then: readonly Leaver[];
}

export interface PeerUrls {
  name: string;
  peerUrls: readonly string[];
}

/** How the members that are become those that the inventory wants, in order. */
export interface Moves {
  /** Before anybody joins. */
  first: readonly Leaver[];
  joiners: readonly Joiner[];
  /** Who they are then. */
  members: readonly PeerUrls[];
}

/** A member while it is thought through who comes and goes. */
interface Seat {
  name: string;
  peerUrls: readonly string[];
  votes: boolean;
  isUp: boolean;
}

/**
 * Who leaves and who joins, in an order in which a quorum of those that are up stands all the time: first who is dead,
 * then who may leave, and only where a quorum needs him until then a newcomer before. Found by what is there alone, so a
 * run that was cut off is gone on with. None while etcd forms, or where nobody knows the members.
 */
export function movesOf(cluster: Cluster, facts: Facts): Moves {
  const known = hasMembers(facts) ? knownMembers(facts) : undefined;
  if (known === undefined) return { first: [], joiners: [], members: [] };
  let seats = known.map((member) => seatOf(member, cluster, facts));
  const waiting = leaversOf(cluster, facts, known).toSorted((a, b) => Number(isUp(a, facts)) - Number(isUp(b, facts)));
  const joining = joinersOf(cluster, facts, known);
  /** Those of whom a quorum is independent; while others are yet to join, of those that are alive one at a time. */
  const letGo = (isLast: boolean): Leaver[] => {
    const gone: Leaver[] = [];
    let alive = 0;
    for (const leaver of [...waiting]) {
      const rest = seats.filter(({ name }) => leaver.member === undefined || name !== nameOf(leaver.member, cluster));
      if (isUp(leaver, facts)) alive += 1;
      if (!isQuorate(rest) || (alive > 1 && !isLast)) continue;
      seats = rest;
      waiting.splice(waiting.indexOf(leaver), 1);
      gone.push(leaver);
    }
    return gone;
  };
  const first = letGo(joining.length === 0);
  const joiners = joining.map(({ wanted, from }, index): Joiner => {
    seats = [...seats.filter(({ name }) => name !== wanted.name), { ...wanted, votes: true, isUp: true }];
    const among = inOrder(seats, cluster);
    return { host: wanted.host, from, among, then: letGo(index === joining.length - 1) };
  });
  const wanted = wantedMembers(cluster);
  // Where they are when all is done: one may move.
  const members = inOrder(seats, cluster).map((seat) => wanted.find((each) => isOf(seat, each)) ?? seat);
  const last = joiners.at(-1);
  // They can't leave as things are: the guard says so.
  if (last === undefined) return { first: [...first, ...waiting], joiners, members };
  return { first, joiners: [...joiners.slice(0, -1), { ...last, then: [...last.then, ...waiting] }], members };
}

function hasMembers({ etcd }: Facts): boolean {
  return etcd === 'formed' || etcd === 'down';
}

/** The inventory's: whatever order etcd lists them in changes nothing. */
function inOrder(seats: readonly Seat[], cluster: Cluster): Seat[] {
  const places = new Map([...cluster.hosts, ...cluster.leaving].map(({ name }, index) => [name, index]));
  const placeOf = ({ name }: Seat): number => places.get(name) ?? -1;
  return seats.toSorted((a, b) => placeOf(a) - placeOf(b));
}

function isQuorate(seats: readonly Seat[]): boolean {
  const voters = seats.filter(({ votes }) => votes);
  return voters.filter((seat) => seat.isUp).length >= quorumOf(voters.length);
}

function seatOf(member: EtcdMember, cluster: Cluster, facts: Facts): Seat {
  const name = nameOf(member, cluster);
  return { name, peerUrls: member.peerUrls, votes: member.isLearner !== true, isUp: serves(name, facts) };
}

/** Hosts that have a member which is not wanted, or still have what was one's. */
function leaversOf(cluster: Cluster, facts: Facts, known: readonly EtcdMember[]): Leaver[] {
  const wanted = wantedMembers(cluster);
  const staying = new Set(wanted.map(({ host }) => host));
  // Where a host has two, its first.
  const unwanted = known.filter((member) => !isWanted(member, wanted)).toReversed();
  const memberAt = new Map(unwanted.map((member) => [hostOf(member, cluster)?.name, member]));
  return [...cluster.hosts, ...cluster.leaving].flatMap((host): Leaver[] => {
    if (staying.has(host.name)) return [];
    const member = memberAt.get(host.name);
    const own = facts.hosts.get(host.name);
    const left = owns(own, `unit:${ETCD_UNIT}`);
    if (member === undefined && !left) return [];
    return [{ host: host.name, ...(member ? { member } : {}), reached: own !== undefined }];
  });
}

function isUp({ host, member }: Leaver, facts: Facts): boolean {
  return member !== undefined && serves(host, facts);
}

/** As far as its host tells: whether it is well is the guard's to ask. Where all are down they are started before. */
function serves(host: string, { hosts, etcd }: Facts): boolean {
  const own = hosts.get(host);
  return own !== undefined && own.etcdData && (etcd === 'down' || own.ports.includes(PEER_PORT));
}

const PEER_PORT = 2380;

/** Who was begun with comes first, as etcd has one learner at a time; then who lost its data; then the new ones. */
function joinersOf(
  cluster: Cluster,
  facts: Facts,
  known: readonly EtcdMember[],
): { wanted: WantedMember; from: Joiner['from'] }[] {
  type Found = { wanted: WantedMember; from: Joiner['from']; rank: number }[];
  const found = wantedMembers(cluster).flatMap((wanted): Found => {
    const own = facts.hosts.get(wanted.host);
    if (own === undefined) return [];
    const member = known.find((each) => isOf(each, wanted));
    if (member === undefined) return [{ wanted, from: 'add', rank: 2 }];
    if (member.unstarted && !own.etcdData) return [{ wanted, from: 'start', rank: 0 }];
    if (!own.etcdData) return [{ wanted, from: 'add', rank: 1 }];
    return member.isLearner ? [{ wanted, from: 'promote', rank: 0 }] : [];
  });
  return found.toSorted((a, b) => a.rank - b.rank);
}

export function wantedMembers(cluster: Cluster): WantedMember[] {
  return hostsWith(cluster, 'etcd').map((host) => wantedMember(cluster, host));
}

export function isWanted(member: EtcdMember, wanted: readonly WantedMember[]): boolean {
  return wanted.some((each) => isOf(member, each));
}

/** By its name; one that never started has none, and is known by its address. */
export function isOf({ name, peerUrls }: EtcdMember, wanted: PeerUrls): boolean {
  return name === '' ? share(peerUrls, wanted.peerUrls) : name === wanted.name;
}

export function share(urls: readonly string[], others: readonly string[]): boolean {
  return urls.some((url) => others.includes(url));
}

/** The host of the inventory that it is of, whatever role that has, one that leaves too. */
export function hostOf(member: EtcdMember, cluster: Cluster): Host | undefined {
  return [...cluster.hosts, ...cluster.leaving].find((host) => isOf(member, wantedMember(cluster, host)));
}

function nameOf(member: EtcdMember, cluster: Cluster): string {
  return member.name === '' ? (hostOf(member, cluster)?.name ?? titleOf(member)) : member.name;
}

export function titleOf({ name, peerUrls }: EtcdMember): string {
  return name === '' ? peerUrls.join(', ') : name;
}

/** As `initial-cluster` names them. */
export function initialCluster(members: readonly PeerUrls[]): string {
  return members.flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name}=${url}`)).join(',');
}
