import { ETCDCTL } from '../../cluster/etcd.ts';
import { losingTheirMember } from '../../cluster/own-member.ts';
import { PATHS } from '../../core/paths.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { AroundContext, StepAround } from '../stage.ts';
import { joinedLines, peersOf } from './config.ts';
import { isOf, titleOf, type Joiner, type Leaver, type PeerUrls } from './moves.ts';
import { knownMembers } from '../../cluster/etcd-phase.ts';
import { ADD_MEMBER, MOVE_LEADER, MOVE_MEMBER, PROMOTE_MEMBER, REMOVE_MEMBER, WIPE_MEMBER } from './scripts.ts';
import { clientUrl, wantedMember } from './settings.ts';

const LOOPBACK = '127.0.0.1';

export const API_SERVER = 'kube-apiserver.service';

/** A member of etcd less: it is asked of one that stays, and what it had on its host goes. */
export function leave(context: AroundContext, leaver: Leaver, joined: readonly string[]): StepAround[] {
  const { host, member, reached } = leaver;
  const asked = askedFor(context, [host], joined);
  const out =
    member === undefined || asked === undefined
      ? []
      : [
          ...(reached ? [...stopApiServer(context, host), moveLeader(context.cluster, host)] : []),
          {
            title: `take ${titleOf(member)} out of etcd`,
            on: asked.on,
            run: script(REMOVE_MEMBER, [member.name, member.peerUrls.join(',')], asked.etcdctl),
          },
        ];
  return [...out, ...(reached ? [wipe(context, host)] : [])];
}

/** It serves from the member that leaves, and is told of the others in the stage of the API servers. */
function stopApiServer({ cluster, facts }: AroundContext, host: string): StepAround[] {
  if (!losingTheirMember(cluster, facts).includes(host)) return [];
  return [
    {
      title: `stop the API server of ${host} gracefully`,
      on: host,
      run: ['systemctl', 'stop', API_SERVER],
      undo: ['systemctl', 'start', '--no-block', API_SERVER],
      marked: true,
    },
  ];
}

function wipe({ cluster }: AroundContext, host: string): StepAround {
  const { dataDirectory, walDirectory } = wantedMember(cluster, hostNamed(cluster, host));
  return {
    title: `stop etcd on ${host} and remove its data`,
    on: host,
    run: ['sh', '-c', WIPE_MEMBER, 'sh', dataDirectory, walDirectory],
  };
}

export function moveLeader(cluster: Cluster, host: string): StepAround {
  return {
    title: `move etcd's leader away from ${host}`,
    on: host,
    run: ['sh', '-c', MOVE_LEADER, 'sh', clientUrl(LOOPBACK), ...ETCDCTL],
  };
}

/** It starts as a learner, which counts for no quorum. */
export function add(context: AroundContext, { host, from, among }: Joiner): StepAround[] {
  const asked = askedFor(context, [host]);
  if (from !== 'add' || asked === undefined) return [];
  const { name, peerUrls } = wantedMember(context.cluster, hostNamed(context.cluster, host));
  const others = among.filter((each) => each.name !== name).flatMap((each) => each.peerUrls);
  return [
    {
      title: isKnown(context, host) ? `replace the etcd member ${host}` : `add ${host} to etcd as a learner`,
      on: asked.on,
      run: script(ADD_MEMBER, [name, peerUrls.join(','), others.toSorted().join(' ')], asked.etcdctl),
    },
  ];
}

function isKnown({ cluster, facts }: AroundContext, host: string): boolean {
  const wanted = wantedMember(cluster, hostNamed(cluster, host));
  return (knownMembers(facts) ?? []).some((member) => isOf(member, wanted));
}

export function promote(context: AroundContext, { host }: Joiner): StepAround[] {
  const asked = askedFor(context, [host]);
  if (asked === undefined) return [];
  const { name, peerUrls } = wantedMember(context.cluster, hostNamed(context.cluster, host));
  return [
    {
      title: `give ${host} its vote in etcd`,
      on: asked.on,
      run: script(PROMOTE_MEMBER, [name, peerUrls.join(',')], asked.etcdctl),
    },
  ];
}

/** Its peers find it at another address from now on. */
export function move(context: AroundContext, host: string): StepAround[] {
  const wanted = wantedMember(context.cluster, hostNamed(context.cluster, host));
  const member = context.facts.members?.find(({ name }) => name === wanted.name);
  const asked = askedFor(context, [host]) ?? askedFor(context, []);
  const urls = wanted.peerUrls.join(',');
  if (member === undefined || asked === undefined || member.peerUrls.join(',') === urls) return [];
  return [
    {
      title: `tell etcd that ${host} moves to ${urls}`,
      on: asked.on,
      run: script(MOVE_MEMBER, [wanted.name, urls], asked.etcdctl),
      undo: script(MOVE_MEMBER, [wanted.name, member.peerUrls.join(',')], asked.etcdctl),
      marked: true,
    },
  ];
}

/** It is a member from now on: its file, which it has read for the last time, says so. */
export function note(
  title: string,
  { cluster }: AroundContext,
  host: string,
  members: readonly PeerUrls[],
): StepAround {
  const peers = peersOf(wantedMember(cluster, hostNamed(cluster, host)).name, members);
  return { title, on: host, run: ['sed', '-i', ...joinedLines(peers), PATHS.etcdConfig] };
}

/** Members that can be asked: those that stay before others; `joined` are some that will be by then, first of all. */
function askedFor(
  { cluster, facts }: AroundContext,
  except: readonly string[],
  joined: readonly string[] = [],
): { on: string; etcdctl: readonly string[] } | undefined {
  const known = knownMembers(facts) ?? [];
  const votes = (host: Host): boolean =>
    known.some((member) => !member.isLearner && isOf(member, wantedMember(cluster, host)));
  const present = [...cluster.hosts, ...cluster.leaving].filter((host) => {
    const own = facts.hosts.get(host.name);
    return own !== undefined && (joined.includes(host.name) || (own.etcdData && votes(host)));
  });
  const stays = (host: Host): boolean => host.state === 'present' && host.roles.includes('etcd');
  const asked = present.filter(({ name }) => !except.includes(name)).toSorted((a, b) => rank(a) - rank(b));
  function rank(host: Host): number {
    return joined.includes(host.name) ? 0 : stays(host) ? 1 : 2;
  }
  const [first] = asked;
  if (first === undefined) return undefined;
  // By its own loopback whatever address it is about to move to.
  const endpoints = [LOOPBACK, ...asked.slice(1).map((host) => host.internalAddress)].map(clientUrl).join(',');
  return { on: first.name, etcdctl: [...ETCDCTL, `--endpoints=${endpoints}`] };
}

function script(text: string, values: readonly string[], etcdctl: readonly string[]): string[] {
  return ['sh', '-c', text, 'sh', ...values, ...etcdctl];
}

function hostNamed({ hosts, leaving }: Cluster, name: string): Host {
  const host = [...hosts, ...leaving].find((each) => each.name === name);
  if (host === undefined) throw new Error(`${name} is no host of the inventory`);
  return host;
}
