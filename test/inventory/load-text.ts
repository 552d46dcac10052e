import { InventoryError } from '../../src/inventory/mistake.ts';
import { loadTexts } from '../../src/inventory/load.ts';
import { readSchema } from '../../src/inventory/schema.ts';
import { packageValidator } from '../../src/core/package-validator.ts';
import type { Cluster } from '../../src/inventory/types.ts';

const schema = readSchema();
const validator = await packageValidator('cluster');

export const ENV = { HOME: '/home/ada' };

/** Loads texts as files a.yaml, b.yaml … in /work. */
export function loadYaml(
  texts: string | readonly string[],
  env: Record<string, string> = ENV,
  allowed: readonly string[] = [],
): Promise<Cluster> {
  const list = typeof texts === 'string' ? [texts] : texts;
  const files = list.map((text, index) => ({ file: `${'abc'.charAt(index)}.yaml`, text }));
  return loadTexts(files, { env, allowed, directory: '/srv', schema, validator });
}

/** The lines of the one error; fails when there is none. */
export async function mistakesOf(
  texts: string | readonly string[],
  env?: Record<string, string>,
): Promise<readonly string[]> {
  return (await errorOf(texts, env)).details;
}

export async function errorOf(
  texts: string | readonly string[],
  env?: Record<string, string>,
): Promise<InventoryError> {
  const outcome: unknown = await loadYaml(texts, env).catch((error: unknown) => error);
  if (outcome instanceof InventoryError) return outcome;
  throw outcome instanceof Error ? outcome : new Error('the inventory loaded');
}

export const MASTER = '{ name: m1, address: 10.0.0.1, roles: [master] }';
export const ONE = `name: c\nhosts: [${MASTER}]\n`;
/** Three masters and two workers; more settings may follow. */
export const FIVE = `name: c
endpoint: { address: 10.0.0.100 }
hosts:
  - { name: m1, address: 10.0.0.1, roles: [master] }
  - { name: m2, address: 10.0.0.2, roles: [master] }
  - { name: m3, address: 10.0.0.3, roles: [master] }
  - { name: w1, address: 10.0.0.11, roles: [worker] }
  - { name: w2, address: 10.0.0.12, roles: [worker] }
`;
