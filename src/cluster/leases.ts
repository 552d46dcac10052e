import { PATHS } from '../core/paths.ts';
import { hostsWith } from '../inventory/types.ts';
import { askApi } from './api-server.ts';
import type { Answer, Ask, GateCheck, GateContext } from './gate.ts';
import { localRequest, parseHttp, parseJson, seen } from './http.ts';

export const CONTROLLERS = { 'kube-controller-manager': 10257, 'kube-scheduler': 10259 } as const;
export type Controller = keyof typeof CONTROLLERS;

/** A lease is renewed every 2 s and runs out after 15 s. */
const MAX_AGE_MS = 15_000;

export interface Lease {
  name: string;
  /** `m1_5f0c…`: the host name comes first. */
  holder: string;
  /** Since the last renewal, by the API server's own clock. */
  ageMs: number;
}

export function askControllerHealth(host: string, name: Controller): Ask {
  return localRequest({
    host,
    port: CONTROLLERS[name],
    path: '/healthz',
    tls: { authority: `${PATHS.pki}/ca.crt`, name: 'localhost' },
  });
}

export function parseLease(name: string, answer: Answer | undefined): Lease | undefined {
  const body = parseJson(answer) as { spec?: { holderIdentity?: string; renewTime?: string } } | undefined;
  const date = Date.parse(parseHttp(answer)?.headers.get('date') ?? '');
  const renewed = Date.parse(body?.spec?.renewTime ?? '');
  if (body?.spec?.holderIdentity === undefined || Number.isNaN(renewed) || Number.isNaN(date)) return undefined;
  return { name, holder: body.spec.holderIdentity, ageMs: date - renewed };
}

/** Each controller of the batch healthy; both leases held and fresh, as one API server tells. */
export function controllerGates(context: GateContext): GateCheck[] {
  const { cluster, facts, hosts } = context;
  const masters = hostsWith(cluster, 'master').map((host) => host.name);
  const asked = [...hosts, ...masters].find((name) => masters.includes(name) && facts.hosts.has(name));
  const names = Object.keys(CONTROLLERS) as Controller[];
  return [
    ...hosts.filter((name) => masters.includes(name)).flatMap((host) => names.map((name) => healthGate(host, name))),
    ...(asked === undefined ? [] : names.map((name) => leaseGate(context, asked, name))),
  ];
}

function healthGate(host: string, name: Controller): GateCheck {
  return {
    title: `${name} ${host} healthy`,
    asks: [askControllerHealth(host, name)],
    check: ([answer]) => (parseHttp(answer)?.status === 200 ? undefined : seen(answer)),
    host,
    unit: { host, name: `${name}.service` },
    deadline: 60,
  };
}

function leaseGate({ cluster }: GateContext, host: string, name: Controller): GateCheck {
  return {
    title: `lease of ${name} held`,
    asks: [askApi(cluster, host, `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${name}`)],
    check: ([answer]) => leaseProblem(name, answer),
    unit: { host, name: `${name}.service` },
    // A leader that was killed keeps the lease for 15 s more.
    deadline: 60,
  };
}

export function leaseProblem(name: string, answer: Answer | undefined): string | undefined {
  const lease = parseLease(name, answer);
  if (!lease) return seen(answer);
  if (lease.holder === '') return `nobody holds the lease of ${name}`;
  if (lease.ageMs > MAX_AGE_MS)
    return `${lease.holder} has not renewed its lease for ${String(Math.round(lease.ageMs / 1000))} s`;
  return undefined;
}
