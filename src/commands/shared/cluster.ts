import { existsSync } from 'node:fs';
import { McpkError } from '../../core/errors.ts';
import { quote } from '../../core/quote.ts';
import { VARIABLE } from '../../core/variable.ts';
import { contactable, type Cluster, type Host } from '../../inventory/types.ts';
import { DEFAULT_FILE } from '../../inventory/default-file.ts';
import type { LoadOptions } from '../../inventory/load.ts';
import { hostsNamer } from '../../inventory/name-hosts.ts';
import { select } from '../../inventory/targeting.ts';
import type { Roster } from '../../report/fold.ts';

/** The files that were named, or MCPK_INVENTORY (several joined as in PATH), or ./mcpk.yaml. Throws `usage` for the name "", `invalid` for several joined as one. */
export function inventoryFiles(named: readonly string[] | undefined, env: NodeJS.ProcessEnv): string[] {
  if (named?.includes('') === true)
    throw new McpkError('usage', 'an inventory was named that is empty: ""', {
      hint: 'Name a file with -i FILE; a variable that the shell put there may not be set.',
    });
  if (named?.includes('-') === true)
    throw new McpkError('usage', 'an inventory is a file, and not read from standard input: -i -', {
      hint: 'In bash a command can stand for the file: -i <(sops -d lab.yaml)',
    });
  const isJoined = (file: string): boolean => file.includes(',') && !existsSync(file);
  const several = named?.find(isJoined);
  if (several !== undefined)
    throw new McpkError('invalid', `there is no file ${JSON.stringify(several)}`, {
      hint: `Several files are named one by one: ${quote(several.split(',').flatMap((file) => ['-i', file]))}`,
    });
  if (named && named.length > 0) return [...named];
  const fromEnvironment = (env['MCPK_INVENTORY'] ?? '').split(':').filter(Boolean);
  const joined = fromEnvironment.find(isJoined);
  if (joined !== undefined)
    throw new McpkError('invalid', `MCPK_INVENTORY: there is no file ${JSON.stringify(joined)}`, {
      hint: 'Several files have : between them, as in PATH: MCPK_INVENTORY=base.yaml:berlin.yaml.',
    });
  return fromEnvironment.length > 0 ? fromEnvironment : [DEFAULT_FILE];
}

/** Variables that the operator lets an inventory use: `--env`, and MCPK_ENV, names with commas between. */
export function allowedVariables(named: readonly string[] | undefined, env: NodeJS.ProcessEnv): string[] {
  const listed = (env['MCPK_ENV'] ?? '').split(/[\s,]+/).filter(Boolean);
  const wrong = listed.find((name) => !VARIABLE.test(name));
  if (wrong !== undefined)
    throw new McpkError('usage', `MCPK_ENV: ${JSON.stringify(wrong)} is not the name of an environment variable`, {
      hint: 'It holds names, with commas between: MCPK_ENV=SUDO_PASSWORD,REGISTRY_PASSWORD.',
    });
  return [...(named ?? []), ...listed];
}

/** The flags that decide what is loaded, and how its hosts are logged in to. */
export interface InventoryFlags {
  inventory?: readonly string[] | undefined;
  env?: readonly string[] | undefined;
  'ask-become-pass'?: boolean | undefined;
}

export async function loadCluster(
  flags: InventoryFlags,
  { files = false, ...more }: Pick<LoadOptions, 'files' | 'rewrite'> = {},
): Promise<Cluster> {
  const allowed = allowedVariables(flags.env, process.env);
  const { load } = await import('../../inventory/load.ts');
  return load(inventoryFiles(flags.inventory, process.env), { env: process.env, allowed, files, ...more });
}

/** Hosts that `--limit` means; all of them without it. */
export function limited(cluster: Cluster, expression: string | undefined): readonly Host[] {
  return expression === undefined ? cluster.hosts : select(cluster, expression);
}

/** How texts call the hosts of a cluster, and those that leave it: `all` is what `--limit all` selects. */
export function rosterOf(cluster: Cluster): Roster {
  const hosts = contactable(cluster);
  return { hosts, words: hostsNamer(hosts) };
}
