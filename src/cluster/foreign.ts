import type { Problem } from '../states/stage.ts';
import type { Cluster } from '../inventory/types.ts';
import type { Facts } from './facts.ts';

/** API servers that serve and are on no host of the inventory: they write to etcd with settings that nobody here knows. */
export function foreignApiServers({ hosts, leaving }: Cluster, { apiServers = [], hosts: read }: Facts): Problem[] {
  // A host that is about to move still serves at an address that the inventory does not have any more.
  const own = [...read.values()].flatMap(({ interfaces }) => interfaces.flatMap(({ addresses }) => addresses));
  const known = new Set([
    ...[...hosts, ...leaving].map(({ internalAddress }) => internalAddress),
    ...own.map(({ address }) => address),
  ]);
  const foreign = apiServers.filter((address) => !known.has(address));
  return foreign.map((address) => ({
    code: 'refused',
    message: `an API server at ${address} serves this cluster, and no host of the inventory has that internalAddress`,
    hint: 'Either it belongs to the cluster: put its host back into the inventory. Or it does not: put it back with `state: absent`, so that it is taken off its host, or with `state: gone` where that can not be reached (then stop it there).',
  }));
}

/** Nodes that somebody else joined: nothing is done to them, and all that mcpk says of nodes leaves them out. */
export function foreignNodes({ hosts, leaving }: Cluster, { nodes }: Facts): Problem[] {
  const known = new Set([...hosts, ...leaving].map(({ name }) => name));
  const foreign = [...(nodes?.keys() ?? [])].filter((name) => !known.has(name));
  if (foreign.length === 0) return [];
  const [first = ''] = foreign;
  return [
    {
      code: 'warning',
      message:
        foreign.length === 1
          ? `the node ${first} is no host of the inventory: it is left alone`
          : `these nodes are no hosts of the inventory and are left alone: ${foreign.join(', ')}`,
      hint: 'Put into the inventory what belongs to the cluster; `state: gone` takes a Node out of the API.',
    },
  ];
}
