/**
 * mcpk's own engine on the part of the states that a race compares: the same inventory, facts, probe, plan and
 * converge as `mcpk apply`, without gates, preflight and what the peers can't say.
 * `subset INVENTORY[,INVENTORY…] bare|running [KIND…]`: with kinds, only those. Prints what the run did and what it cost.
 */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { engineInput } from '../../src/commands/shared/engine-input.ts';
import { loadCluster } from '../../src/commands/shared/cluster.ts';
import { applyRun } from '../../src/engine/runs/apply.ts';
import type { Stage } from '../../src/states/stage.ts';
import { stripped, unsaid, type Scope } from '../peers/comparable.ts';

export interface SubsetResult {
  hosts: number;
  unchanged: number;
  changed: number;
  failed: string[];
  roundTrips: number;
  bytes: number;
  cpuSeconds: number;
  peakMegabytes: number;
  /** Longest time that the event loop stood still, in milliseconds. */
  stallMs: number;
}

export async function main(argv: readonly string[]): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [inventories = '', scope = 'bare', ...kinds] = argv;
  const cluster = await loadCluster({ inventory: inventories.split(',') });
  // As many as xargs runs beside it; on two processors more only wait for each other.
  const flags = { concurrency: 16, 'accept-new-host-keys': false };
  const caller = { command: 'bench', version: '0', signal: new AbortController().signal, emit: () => undefined };
  const input = await engineInput(cluster, flags, caller, { artifacts: true });
  const stages = input.stages
    .filter((stage) => !stage.api && !stage.verify)
    .map((stage) => partOf(stage, scope as Scope, kinds));
  const result = await applyRun({ ...input, stages, confirm: () => Promise.resolve(true) });
  const traffic = Object.values(result.traffic);
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const told: SubsetResult = {
    hosts: cluster.hosts.length,
    unchanged: result.succeeded - result.changed,
    changed: result.changed,
    failed: result.errors.map(String),
    roundTrips: Math.max(...traffic.map((each) => each.roundTrips)),
    bytes: traffic.reduce((sum, each) => sum + each.bytesSent + each.bytesReceived, 0),
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMegabytes: peak(),
    stallMs: delay.max / 1e6,
  };
  process.stdout.write(`${JSON.stringify(told)}\n`);
  process.exitCode = result.exitCode;
}

/** Not the maximum of getrusage: that begins with what the starting process had before it became this one. */
function peak(): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}

function partOf(stage: Stage, scope: Scope, kinds: readonly string[]): Stage {
  const { name, title, needs } = stage;
  return {
    name,
    title,
    needs,
    hosts: (cluster) => stage.hosts(cluster),
    states(context) {
      const states = stage.states(context);
      if (!Array.isArray(states)) return [];
      const wanted = states.filter((one) => unsaid(one, scope) === undefined);
      return wanted.filter((one) => kinds.length === 0 || kinds.includes(one.kind)).map(stripped);
    },
  };
}
