import { hostsWith, type Cluster } from '../inventory/types.ts';
import type { Facts } from './facts.ts';
import { owns } from './laid.ts';

export const ETCD_UNIT = 'etcd.service';

/**
 * Masters that stay, and whose member of etcd leaves: their API servers ask that one alone, so they are down from then on
 * until they are told of the others.
 */
export function losingTheirMember(cluster: Cluster, { hosts }: Pick<Facts, 'hosts'>): string[] {
  return hostsWith(cluster, 'master')
    .filter(({ name, roles }) => !roles.includes('etcd') && owns(hosts.get(name), `unit:${ETCD_UNIT}`))
    .map(({ name }) => name);
}
