import { hostsWith } from '../inventory/types.ts';
import type { GuardContext } from '../states/stage.ts';
import { askReady, readyProblem } from './api-server.ts';
import { quorumOf } from './etcd-phase.ts';
import { askEtcdHealth, isHealthy } from './etcd.ts';
import type { Answer, Guard } from './gate.ts';
import { parseHttp, seen } from './http.ts';
import { leavers } from './leaving.ts';
import { losingTheirMember } from './own-member.ts';

const NO_QUORUM =
  'etcd has no quorum until enough members are back: the API answers no write and soon no read, nothing is scheduled, and leases run out. Pods that run go on.';

/**
 * Taking these members down leaves a quorum of healthy ones. One or two members have none to spare: there is nothing
 * to guard, every restart is an outage. `members` are all that have a vote then.
 */
export function quorumGuard(context: GuardContext, taken: readonly string[], members: readonly string[]): Guard[] {
  if (taken.length === 0 || members.length < 3) return [];
  const quorum = quorumOf(members.length);
  const up = (answers: readonly Answer[], host: string): boolean =>
    isHealthy(answerOf(answers, host)) || isBack(context, host);
  const awayOf = (answers: readonly Answer[]): string[] =>
    members.filter((host) => !taken.includes(host) && !up(answers, host));
  return [
    {
      title: `etcd keeps its quorum without ${taken.join(', ')}`,
      asks: reachable(context, members).map(askEtcdHealth),
      check: (answers) => {
        if (!taken.some((host) => runs(answers, host))) return undefined;
        const staying = members.filter((host) => !taken.includes(host) && up(answers, host));
        if (staying.length >= quorum) return undefined;
        const away = awayOf(answers);
        const why = away.map((host) => `${host} is not healthy (${seen(answerOf(answers, host))})`).join(', ');
        return `${why}: ${String(staying.length)} of ${String(members.length)} members would stay, a quorum is ${String(quorum)}`;
      },
      blames: (answers) => awayOf(answers).find((host) => context.earlier.includes(host)),
      deadline: 10,
      consequence: NO_QUORUM,
    },
  ];
}

export interface LeavingMembers {
  leaving: readonly string[];
  /** Who has a vote without them. */
  staying: readonly string[];
  /** Of those, who joins in the same batch: its gate has held by then. */
  joined: readonly string[];
}

/** Those who stay when members leave for good are a quorum of healthy ones by themselves. */
export function leavingGuard(context: GuardContext, { leaving, staying, joined }: LeavingMembers): Guard {
  const quorum = quorumOf(staying.length);
  const awayOf = (answers: readonly Answer[]): string[] =>
    staying.filter((host) => !joined.includes(host) && !isHealthy(answerOf(answers, host)) && !isBack(context, host));
  return {
    title: `etcd has its quorum once ${leaving.join(', ')} ${leaving.length === 1 ? 'has' : 'have'} left`,
    asks: reachable(context, staying).map(askEtcdHealth),
    check: (answers) => {
      const away = awayOf(answers);
      if (staying.length - away.length >= quorum) return undefined;
      const why = away.map((host) => `${host} is not healthy (${seen(answerOf(answers, host))})`).join(', ');
      return `${why}: ${String(staying.length - away.length)} of ${String(staying.length)} members would be up, a quorum is ${String(quorum)}`;
    },
    blames: (answers) => awayOf(answers).find((host) => context.earlier.includes(host)),
    deadline: 10,
    consequence: NO_QUORUM,
  };
}

/**
 * While these API servers are down another one is ready, and at the time itself every one that was when the run began:
 * what it has taken down before is back. A single master has no other.
 */
export function apiServerGuard(context: GuardContext, taken: readonly string[]): Guard[] {
  const { cluster, facts, ahead } = context;
  // Those that are taken may be no masters of the inventory any more.
  const masters = [...new Set([...hostsWith(cluster, 'master').map((host) => host.name), ...taken])];
  if (taken.length === 0 || masters.length < 2) return [];
  const others = masters.filter((host) => !taken.includes(host));
  const wrong = (answers: readonly Answer[], host: string): string | undefined => readyProblem(answerOf(answers, host));
  const up = (answers: readonly Answer[], host: string): boolean =>
    wrong(answers, host) === undefined || isBack(context, host);
  return [
    {
      title: `another API server is ready beside ${taken.join(', ')}`,
      asks: reachable(context, masters).map((host) => askReady(cluster, host)),
      check: (answers) => {
        if (!taken.some((host) => runs(answers, host))) return undefined;
        const why = (host: string): string => wrong(answers, host) ?? '';
        if (others.length === 0) return 'there is no other master';
        if (!others.some((host) => up(answers, host))) return others.map((host) => `${host}: ${why(host)}`).join(', ');
        const excused = losingTheirMember(cluster, facts);
        const wasUp = (host: string): boolean => facts.standing?.apiServers.includes(host) === true;
        // The one that this run has taken down last, in whatever stage, or one that has failed since.
        const left = others.find((host) => wasUp(host) && !excused.includes(host) && !up(answers, host));
        return ahead || left === undefined ? undefined : `${left} is not ready again: ${why(left)}`;
      },
      blames: (answers) => others.find((host) => context.earlier.includes(host) && !up(answers, host)),
      deadline: 60,
      consequence: 'nobody serves the API until one of them is ready again. Pods that run go on.',
    },
  ];
}

/**
 * Of hosts that leave, or give up the role of a master, those whose API server may serve still, as the stage that stops
 * it was left out. Asked only when their turn comes: where it was not, it has stopped them by then.
 */
export function retiredGuard(context: GuardContext, hosts: readonly string[]): Guard[] {
  const { cluster, facts, ahead } = context;
  const retired = leavers(cluster, facts).flatMap(({ host, master }) =>
    master && hosts.includes(host.name) ? [host.name] : [],
  );
  return ahead ? [] : apiServerGuard(context, retired);
}

function reachable({ facts }: GuardContext, hosts: readonly string[]): string[] {
  return hosts.filter((host) => facts.hosts.has(host));
}

/** At plan time: it changes before this batch, and its gate lets the next one begin only when it is up. */
function isBack({ ahead, earlier }: GuardContext, host: string): boolean {
  return ahead && earlier.includes(host);
}

/** Something answers, well or not: there is a process to take down. */
function runs(answers: readonly Answer[], host: string): boolean {
  return parseHttp(answerOf(answers, host)) !== undefined;
}

function answerOf(answers: readonly Answer[], host: string): Answer | undefined {
  return answers.find((answer) => answer.host === host);
}
