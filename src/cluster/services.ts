import { isIP } from 'node:net';
import type { Cluster } from '../inventory/types.ts';
import { askApi } from './api-server.ts';
import type { ServiceAddresses } from './facts.ts';
import type { Answer, Ask } from './gate.ts';
import { parseJson } from './http.ts';

/** The two Services whose addresses come out of the inventory, and are never changed once they are there. */
export function askServices(cluster: Cluster, host: string): Ask[] {
  return ['default/services/kubernetes', 'kube-system/services/kube-dns'].map((path) =>
    askApi(cluster, host, `/api/v1/namespaces/${path}`),
  );
}

export function parseServices([kubernetes, dns]: readonly (Answer | undefined)[]): ServiceAddresses {
  const found = { kubernetes: addressOf(kubernetes), dns: addressOf(dns) };
  return {
    ...(found.kubernetes === undefined ? {} : { kubernetes: found.kubernetes }),
    ...(found.dns === undefined ? {} : { dns: found.dns }),
  };
}

function addressOf(answer: Answer | undefined): string | undefined {
  const service = parseJson(answer) as { spec?: { clusterIP?: unknown } } | null | undefined;
  const address = service?.spec?.clusterIP;
  return typeof address === 'string' ? address : undefined;
}

/** Each API server keeps its own address in it while it serves, and others take out one that has not done so for 15 s. */
export function askApiServers(cluster: Cluster, host: string): Ask {
  return askApi(cluster, host, '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes');
}

export function parseApiServers(answer: Answer | undefined): string[] | undefined {
  const slice = parseJson(answer) as { endpoints?: { addresses?: unknown }[] | null } | null | undefined;
  const addresses = slice?.endpoints?.flatMap(({ addresses: own }): unknown[] => (Array.isArray(own) ? own : []));
  return addresses?.filter((address) => typeof address === 'string' && isIP(address) !== 0) as string[] | undefined;
}
