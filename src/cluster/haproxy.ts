import { linesOf } from '../core/lines.ts';
import { haproxyHosts } from './endpoint.ts';
import type { Answer, Ask, GateCheck, GateContext } from './gate.ts';
import { seen } from './http.ts';

export const HAPROXY_BACKEND = 'kube-apiservers';

export interface BackendServer {
  backend: string;
  server: string;
  /** `UP`, `DOWN`, `UP 1/3`, `no check` … */
  status: string;
  lastCheck: string;
}

/** Asks the stats socket for all that any gate wants to know, so that one process answers them. */
function askHaproxy(host: string, socket: string): Ask {
  const argv = ['socat', '-t', '5', '-T', '5', '-', `UNIX-CONNECT:${socket}`];
  return { host, argv, stdin: 'show info;show stat\n' };
}

/** Some hundred bytes a server, and about 100 columns. */
const MOST_CHARACTERS = 512 * 1024;
const MOST_COLUMNS = 500;

/** Rows of `show stat` (CSV below the line `# pxname,svname,…`), without frontends and totals. */
export function parseStat(answer: Answer | undefined): BackendServer[] {
  const text = answer?.stdout ?? '';
  const start = text.indexOf('# pxname,');
  const [head = '', ...rows] = start < 0 ? [] : linesOf(text.slice(start, start + MOST_CHARACTERS));
  const columns = new Map(head.split(',', MOST_COLUMNS).map((name, index) => [name.replace(/^# /, ''), index]));
  const at = (row: readonly string[], name: string): string => row[columns.get(name) ?? -1] ?? '';
  return rows
    .filter((row) => row.includes(','))
    .map((row) => row.split(',', MOST_COLUMNS))
    .filter((row) => !['FRONTEND', 'BACKEND', ''].includes(at(row, 'svname')))
    .map((row) => ({
      backend: at(row, 'pxname'),
      server: at(row, 'svname'),
      status: at(row, 'status'),
      lastCheck: at(row, 'check_status'),
    }));
}

export function haproxyGates({ cluster, hosts }: GateContext): GateCheck[] {
  const own = haproxyHosts(cluster).map((host) => host.name);
  return hosts
    .filter((name) => own.includes(name))
    .map((host) => ({
      title: `HAProxy ${host} up`,
      asks: [askHaproxy(host, cluster.haproxy.statsSocket)],
      check: ([answer]: readonly Answer[]) => (answer?.stdout.includes('Name: HAProxy') ? undefined : seen(answer)),
      host,
      unit: { host, name: 'haproxy.service' },
      deadline: 30,
    }));
}

/** Every HAProxy that can be asked sends traffic to the API server of `target`. */
export function backendUpGate(context: GateContext, target: string): GateCheck[] {
  const proxies = haproxyHosts(context.cluster).filter((host) => context.facts.hosts.has(host.name));
  if (proxies.length === 0) return [];
  return [
    {
      title: `HAProxy sees ${target} UP`,
      asks: proxies.map((host) => askHaproxy(host.name, context.cluster.haproxy.statsSocket)),
      check: (answers) => backendProblem(answers, target),
      host: target,
      unit: { host: target, name: 'kube-apiserver.service' },
      deadline: 60,
    },
  ];
}

export function backendProblem(answers: readonly Answer[], target: string): string | undefined {
  const problems = answers.flatMap((answer) => {
    const servers = parseStat(answer).filter((row) => row.server === target && row.backend.startsWith(HAPROXY_BACKEND));
    if (answer.stdout === '') return [`HAProxy on ${answer.host} does not answer: ${seen(answer)}`];
    if (servers.length === 0) return [`HAProxy on ${answer.host} does not know ${target}`];
    const down = servers.find((row) => row.status !== 'UP');
    return down ? [`HAProxy on ${answer.host} sees ${target} ${down.status} (${down.lastCheck})`] : [];
  });
  return problems[0];
}
