import { hostsWith } from '../inventory/types.ts';
import type { GuardContext } from '../states/stage.ts';
import { askReady, readyProblem } from './api-server.ts';
import { askEtcdHealth, isHealthy } from './etcd.ts';
import type { Answer, Guard } from './gate.ts';
import { parseHttp, seen } from './http.ts';

/**
 * Taking these members down leaves a quorum of healthy ones. One or two members have none to spare: there is nothing
 * to guard, every restart is an outage.
 */
export function quorumGuard(context: GuardContext, taken: readonly string[]): Guard[] {
  const members = hostsWith(context.cluster, 'etcd').map((host) => host.name);
  if (taken.length === 0 || members.length < 3) return [];
  const quorum = Math.floor(members.length / 2) + 1;
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
      consequence:
        'etcd has no quorum until enough members are back: the API answers no write and soon no read, nothing is scheduled, and leases run out. Pods that run go on.',
    },
  ];
}

/**
 * While these API servers are down another one is ready, and at the time itself every one that was when the run began:
 * what it has taken down before is back. A single master has no other.
 */
export function apiServerGuard(context: GuardContext, taken: readonly string[]): Guard[] {
  const { cluster, facts, ahead } = context;
  const masters = hostsWith(cluster, 'master').map((host) => host.name);
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
        if (!others.some((host) => up(answers, host))) return others.map((host) => `${host}: ${why(host)}`).join(', ');
        // The one that this run has taken down last, in whatever stage, or one that has failed since.
        const left = others.find((host) => facts.standing?.apiServers.includes(host) && !up(answers, host));
        return ahead || left === undefined ? undefined : `${left} is not ready again: ${why(left)}`;
      },
      blames: (answers) => others.find((host) => context.earlier.includes(host) && !up(answers, host)),
      deadline: 60,
      consequence: 'nobody serves the API until one of them is ready again. Pods that run go on.',
    },
  ];
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
