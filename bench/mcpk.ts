/** mcpk as a contestant: the built program on the lab's inventory, its result read from its JSON. */
import { writeFile } from 'node:fs/promises';
import { KUBECONFIG } from '../lab/operator.ts';
import type { RunResult as Said } from '../lab/run.ts';
import { timed, type Contestant } from './measure.ts';

export const INVENTORY = 'inventories/lab.yaml';

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
export function apply(changed: number | undefined, more: Partial<Contestant> = {}): Contestant {
  return {
    argv: ['mcpk', 'apply', '-i', INVENTORY, '--yes', '--json'],
    ...more,
    async check(said) {
      const found = applied(said).changed;
      if (changed !== undefined && found !== changed)
        throw new Error(`mcpk changed ${String(found)} resources, not ${String(changed)}`);
      await more.check?.(said);
    },
  };
}

/** The full cluster, with nothing left to do. */
export async function settle(): Promise<void> {
  await timed(apply(undefined));
  await timed(apply(0));
}

/** Clients on the operator's side find it in KUBECONFIG. */
export async function writeKubeconfig(): Promise<void> {
  const { said } = await timed({ argv: ['mcpk', 'kubeconfig', '-i', INVENTORY] });
  await writeFile(KUBECONFIG, said.stdout, { mode: 0o600 });
}
