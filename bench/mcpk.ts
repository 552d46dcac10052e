/** mcpk as a contestant: the built program on the lab's inventory, its result read from its JSON. */
import { writeFile } from 'node:fs/promises';
import { exec, reset } from '../lab/lab.ts';
import { KUBECONFIG } from '../lab/operator.ts';
import { CLONE } from '../lab/paths.ts';
import type { RunResult as Said } from '../lab/run.ts';
import { timed, type Contestant } from './measure.ts';

/** The lab's cluster with its own network, Calico. */
export const CALICO: readonly string[] = ['inventories/lab.yaml'];
/** … with the bridge, which pulls no images: what is raced, beside a plain script that pulls none either. */
export const BRIDGE: readonly string[] = [...CALICO, 'inventories/lab-bridge.yaml'];

/** `-i FILE` of each. */
export function inventoryFlags(inventories: readonly string[] = BRIDGE): string[] {
  return inventories.flatMap((file) => ['-i', file]);
}

/** What a benchmark reads of `mcpk apply --json`. */
export interface Applied {
  changed: number;
  ms: number;
  stages: { name: string; status: string; ms: number }[];
  traffic: Record<string, { roundTrips: number; bytesSent: number; bytesReceived: number; connections: number }>;
}

export function applied(said: Said): Applied {
  return JSON.parse(said.stdout) as Applied;
}

/** An apply of the whole inventory that must change so many resources. */
export function apply(
  changed: number | undefined,
  { inventories, ...more }: Partial<Contestant> & { inventories?: readonly string[] } = {},
): Contestant {
  return {
    argv: ['mcpk', 'apply', ...inventoryFlags(inventories), '--yes', '--json'],
    ...more,
    async check(said) {
      const found = applied(said).changed;
      if (changed !== undefined && found !== changed)
        throw new Error(`mcpk changed ${String(found)} resources, not ${String(changed)}`);
      await more.check?.(said);
    },
  };
}

/** Exit code of `mcpk plan` beside a cluster whose network is another one. */
const REFUSED = 18;

/** The full cluster, with nothing left to do; from bare hosts where one with another network stands. */
export async function settle(inventories: readonly string[] = BRIDGE): Promise<void> {
  const plan = await exec(['mcpk', 'plan', ...inventoryFlags(inventories)], { cwd: CLONE });
  if (plan.code === REFUSED) await reset();
  await timed(apply(undefined, { inventories }));
  await timed(apply(0, { inventories }));
}

/** Clients on the operator's side find it in KUBECONFIG. */
export async function writeKubeconfig(inventories: readonly string[] = BRIDGE): Promise<void> {
  const { said } = await timed({ argv: ['mcpk', 'kubeconfig', ...inventoryFlags(inventories)] });
  await writeFile(KUBECONFIG, said.stdout, { mode: 0o600 });
}
