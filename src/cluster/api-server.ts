import { PATHS } from '../core/paths.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import type { Answer, Ask, GateCheck, GateContext } from './gate.ts';
import { backendUpGate } from './haproxy.ts';
import { localRequest, parseHttp, seen, type LocalRequest } from './http.ts';

const AUTHORITY = `${PATHS.pki}/ca.crt`;

/** Where an API server keeps its objects in etcd that is given no `etcd-prefix`: its own default. */
export const ETCD_PREFIX = '/registry';

/** As nobody: /readyz, /livez and /healthz are the paths that anonymous may ask. */
export function askReady(
  cluster: Cluster,
  host: string,
  path: '/readyz' | '/livez' | '/readyz?verbose' = '/readyz',
): Ask {
  return localRequest({ host, port: cluster.apiServer.port, path, tls: { authority: AUTHORITY, name: 'kubernetes' } });
}

/** Any GET (or what `write` says), as the administrator, from a master to its own API server. */
export function askApi(
  cluster: Cluster,
  host: string,
  path: string,
  write: Pick<LocalRequest, 'method' | 'body'> = {},
): Ask {
  const tls = { authority: AUTHORITY, name: 'kubernetes', cert: PATHS.adminCert, key: PATHS.adminKey };
  return localRequest({ host, port: cluster.apiServer.port, path, tls, ...write });
}

export function readyProblem(answer: Answer | undefined): string | undefined {
  return parseHttp(answer)?.status === 200 ? undefined : seen(answer);
}

/**
 * Whichever it is. Asked for what it is needed for: while an API server reads its objects of etcd anew it is ready, and
 * answers such a question with 429.
 */
export function anyApiServerGate(cluster: Cluster, masters: readonly string[]): GateCheck {
  return {
    title: 'an API server tells its nodes',
    asks: masters.map((host) => askApi(cluster, host, '/api/v1/nodes?limit=1')),
    // One that refuses is there as well; what to do then is not this gate's.
    check: (answers) => (answers.some(isAnswered) ? undefined : seen(answers[0])),
    deadline: 90,
  };
}

function isAnswered(answer: Answer): boolean {
  return [200, 403].includes(parseHttp(answer)?.status ?? 0);
}

export function apiServerGates(context: GateContext): GateCheck[] {
  const masters = hostsWith(context.cluster, 'master').map((host) => host.name);
  return context.hosts
    .filter((name) => masters.includes(name))
    .flatMap((host) => [
      {
        title: `API server ${host} ready`,
        asks: [askReady(context.cluster, host)],
        check: ([answer]: readonly Answer[]) => readyProblem(answer),
        host,
        unit: { host, name: 'kube-apiserver.service' },
        deadline: 90,
      },
      ...backendUpGate(context, host),
    ]);
}
