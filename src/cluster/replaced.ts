import { McpkError } from '../core/errors.ts';
import type { Cluster } from '../inventory/types.ts';
import { etcdFolders } from './etcd-folders.ts';
import type { HostFacts } from './facts.ts';
import { isNew } from './laid.ts';

/**
 * What is on a host that is to be set up anew: nothing (`bare`), or what a run laid that was cut off there (`begun`).
 *
 * @throws McpkError `refused` for one that lives: taken for gone, it would go on beside a cluster that has forgotten it
 */
export function replacedIs(cluster: Cluster, name: string, own: HostFacts): 'bare' | 'begun' {
  const [data = ''] = etcdFolders(cluster);
  if (!isNew(own) && own.unfinished) return 'begun';
  if (!isNew(own))
    throw new McpkError(
      'refused',
      `it is no new machine: ${String(own.owned.length)} things that mcpk laid are there${own.etcdData ? `, and data of etcd in ${data}` : ''}`,
      {
        host: name,
        hint: `What is broken there mcpk apply mends. To take it out: mcpk node remove ${name}. To set it up anew all the same, clear it first: mcpk reset ${name}`,
      },
    );
  if (own.etcdData)
    throw new McpkError('refused', `it is a new machine with old data of etcd in ${data}: no member joins with these`, {
      host: name,
      hint: `Take ${data}/member away by hand, then run the same command again.`,
    });
  return 'bare';
}
