import type { Cluster } from '../inventory/types.ts';
import { askApi } from './api-server.ts';
import type { IpPool } from './facts.ts';
import type { Answer, Ask } from './gate.ts';
import { parseHttp, parseJson } from './http.ts';

interface PoolList {
  items?: { metadata: { name: string }; spec: { cidr: string; ipipMode?: string; vxlanMode?: string } }[];
}

/** For the facts. */
export function askIpPools(cluster: Cluster, host: string): Ask {
  return askApi(cluster, host, '/apis/crd.projectcalico.org/v1/ippools');
}

/** None before Calico's definitions are there (404); undefined when nothing answered. */
export function parseIpPools(answer: Answer | undefined): IpPool[] | undefined {
  if (parseHttp(answer)?.status === 404) return [];
  const list = parseJson(answer) as PoolList | undefined;
  return list?.items
    ?.filter(({ spec }) => !spec.cidr.includes(':'))
    .map(({ metadata: { name }, spec: { cidr, ipipMode, vxlanMode } }) => ({
      name,
      cidr,
      encapsulation: isOn(vxlanMode) ? 'vxlan' : isOn(ipipMode) ? 'ipip' : 'bgp',
    }));
}

function isOn(mode: string | undefined): boolean {
  return mode !== undefined && mode !== '' && mode !== 'Never';
}
