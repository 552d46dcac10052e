import type { Cluster, Host } from '../../inventory/types.ts';
import { select } from '../../inventory/targeting.ts';

const DEFAULT_FILE = 'mcpk.yaml';

/** The files that were named, or MCPK_INVENTORY (several joined as in PATH), or ./mcpk.yaml. */
export function inventoryFiles(named: readonly string[] | undefined, env: NodeJS.ProcessEnv): string[] {
  if (named && named.length > 0) return [...named];
  const fromEnvironment = (env['MCPK_INVENTORY'] ?? '').split(':').filter(Boolean);
  return fromEnvironment.length > 0 ? fromEnvironment : [DEFAULT_FILE];
}

export async function loadCluster(named: readonly string[] | undefined): Promise<Cluster> {
  const { load } = await import('../../inventory/load.ts');
  return load(inventoryFiles(named, process.env), { env: process.env });
}

/** Hosts that `--limit` means; all of them without it. */
export function limited(cluster: Cluster, expression: string | undefined): readonly Host[] {
  return expression === undefined ? cluster.hosts : select(cluster, expression);
}
