import { hasVip, keepalivedHosts, vipInterface } from '../../cluster/endpoint.ts';
import type { Answer } from '../../cluster/gate.ts';
import { lastLine } from '../../core/answer.ts';
import { isIpv4 } from '../../core/ipv4.ts';
import { linesOf } from '../../core/lines.ts';
import { packageText } from '../../core/package-files.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { Inquiry, InquiryContext, Problem } from '../stage.ts';
import { lanesOf, type Lane } from './lanes.ts';

const SCRIPT = 'src/states/preflight/mesh.pl';

/** Until a host gives up on its peers: on all of them the script starts within a fraction of it. */
const PATIENCE_S = 5;

/**
 * Whether hosts reach each other on every lane, and whether a stranger answers at the VIP. Asked only for the sake of
 * hosts that are not part of the cluster yet, on pairs with one of them: what serves shows by itself what it reaches.
 */
export function meshInquiry({ cluster, facts, newcomers }: InquiryContext): Inquiry | undefined {
  const lanes = lanesOf(cluster).filter(
    ({ from, to, amongNodes }) =>
      [from, to].every((host) => facts.hosts.has(host.name) && isIpv4(host.internalAddress)) &&
      (amongNodes ? [to] : [from, to]).some((host) => newcomers.has(host.name)),
  );
  const asks = cluster.hosts.flatMap((host) => {
    const lines = [...laneLines(host, lanes), ...(newcomers.size > 0 ? vipLines({ cluster, facts }, host) : [])];
    if (lines.length === 0) return [];
    const stdin = [`seconds ${String(PATIENCE_S)}`, `self ${host.internalAddress}`, ...lines, ''].join('\n');
    return [{ host: host.name, argv: ['perl', '-e', packageText(SCRIPT)], stdin }];
  });
  if (asks.length === 0) return undefined;
  return { asks, judge: (answers) => judge(cluster, lanes, answers) };
}

/** What one host does: it is there for some peers, and tries to get through to others. */
function laneLines(host: Host, lanes: readonly Lane[]): string[] {
  const lines = (verb: string, side: 'from' | 'to', other: 'from' | 'to'): string[] => {
    const own = Map.groupBy(
      lanes.filter((lane) => lane[side] === host),
      ({ kind, number }) => `${verb} ${kind} ${String(number)}`,
    );
    return [...own].map(([head, all]) => [head, ...all.map((lane) => lane[other].internalAddress)].join(' '));
  };
  return [...lines('serve', 'to', 'from'), ...lines('reach', 'from', 'to')];
}

/** Where one of ours holds the VIP, nobody else can be told from it. */
function vipLines({ cluster, facts }: Omit<InquiryContext, 'newcomers'>, host: Host): string[] {
  const { address } = cluster.endpoint;
  const own = facts.hosts.get(host.name);
  const held = [...facts.hosts.values()].some(({ holdsVip }) => holdsVip);
  if (!own || held || !hasVip(cluster) || !isIpv4(address) || !keepalivedHosts(cluster).includes(host)) return [];
  const carrier = vipInterface(cluster, host, own);
  return carrier === undefined ? [] : [`holder ${carrier} ${address}`];
}

/** A line has five words and a reason; hundreds of peers are less than this. */
const MOST_CHARACTERS = 1024 * 1024;
const MOST_WORDS = 50;

function judge(cluster: Cluster, lanes: readonly Lane[], answers: readonly Answer[]): Problem[] {
  const mute = answers.filter((answer) => answer.exitCode !== 0);
  const said = answers.flatMap(({ host, stdout }) =>
    [...linesOf(stdout.slice(0, MOST_CHARACTERS))].map((line) => [host, ...line.split(' ', MOST_WORDS)]),
  );
  const holders = said.flatMap(([host, word, mac = '']) => (word === 'holder' ? [{ host, mac }] : []));
  return [
    ...mute.map(cannotTry),
    // Who could not be there for others is a problem of its own, said above.
    ...blockedOf(
      lanes.filter(({ to }) => mute.every(({ host }) => host !== to.name)),
      said,
    ),
    ...[...Map.groupBy(holders, ({ mac }) => mac)].map(([mac, seen]) => ({
      message: `${mac} answers at the VIP ${cluster.endpoint.address}, and no host of the inventory holds it (seen by ${seen.map(({ host }) => host).join(', ')})`,
      hint: 'Take the address off that machine, or choose another one for endpoint.address.',
    })),
  ];
}

/** What both ends say of each lane: where only the answer was lost, it is the way back that is blocked. */
function blockedOf(lanes: readonly Lane[], said: readonly string[][]): Problem[] {
  const whys = new Map(
    said.map(([host, word, kind, number, peer, ...why]) => [[host, word, kind, number, peer].join(' '), why.join(' ')]),
  );
  const blocked = lanes.flatMap((lane) => {
    const { kind, number, from, to } = lane;
    const why = whys.get([from.name, 'unreached', kind, number, to.internalAddress].join(' '));
    const heard = whys.has([to.name, 'heard', kind, number, from.internalAddress].join(' '));
    return why === undefined || heard ? [] : [{ lane, why }];
  });
  return [...Map.groupBy(blocked, ({ lane, why }) => `${nameOf(lane)} ${why}`).values()].map(problemOf);
}

function cannotTry({ host, stderr, exitCode }: Answer): Problem {
  const why = lastLine(stderr);
  return {
    host,
    message: `can't try which of its peers it reaches: ${why === '' ? `exit ${String(exitCode)}` : why}`,
    hint: 'perl (the package perl-base) tries it, as root; see what keeps it from doing so.',
  };
}

/** One line for all that do not reach the same place in the same way. */
function problemOf(all: readonly { lane: Lane; why: string }[]): Problem {
  const [{ lane, why }] = all as [(typeof all)[number]];
  const sources = all.map((each) => each.lane.from);
  const names = sources.map(({ name }) => name).join(', ');
  const addresses = sources.map(({ internalAddress }) => internalAddress).join(', ');
  const what =
    lane.kind === 'ip'
      ? `IP protocol ${String(lane.number)}`
      : `${lane.kind.toUpperCase()} port ${String(lane.number)}`;
  return {
    host: lane.to.name,
    message: `${names} ${all.length === 1 ? 'does' : 'do'} not reach ${nameOf(lane)} (${lane.purpose}): ${why}`,
    hint: `Let ${what} from ${addresses} through to ${lane.to.internalAddress}: in ${lane.to.name}'s firewall, and in what lies between. (--skip preflight leaves all these checks out.)`,
  };
}

function nameOf({ kind, number, to }: Lane): string {
  if (kind === 'ip') return `${to.name} by IP protocol ${String(number)}`;
  return `${to.name}:${String(number)}${kind === 'udp' ? '/udp' : ''}`;
}
