import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { CLONE } from '../../../lab/paths.ts';
import type { Plan } from '../../../src/engine/types.ts';
import {
  allNodesReady,
  mcpk,
  mcpkJson,
  NODES,
  on,
  overlay,
  writeKubeconfig,
  type Said,
} from '../../e2e/support/mcpk.ts';
import { wrongProcesses } from './processes.ts';
import { Running } from '../../e2e/support/running.ts';
import { witnessed } from './witnessed.ts';

/** A fault, what a run must say of it, and what the cluster may feel. */
export interface Fault {
  name: string;
  /** Also in the quick tier. */
  quick?: boolean;
  /** What the run changes: an inventory merged over the lab's; `n` is another number each time. */
  change(n: number): string;
  /** The same change without what belongs to the fault, where the fault lies in the inventory. */
  healWith?(n: number): string;
  args?: readonly string[];
  /** The run carries out a plan that was made and kept before `arrange`. */
  planned?: true;
  /** Before the run. */
  arrange?(): Promise<unknown>;
  /** While it runs. */
  act?(run: Running): Promise<unknown>;
  /** After it has ended, before the next one. */
  repair?(): Promise<unknown>;
  /** Exit codes that are right. */
  codes: readonly number[];
  /** All of these are said, on stdout or stderr. */
  says?: readonly RegExp[];
  /** Where the witness stands: a worker that the fault leaves alone. */
  witness?: 'w1' | 'w2';
  /** Longest silence of the API at the VIP, ms: more than the default only where the fault itself takes it. */
  apiGapMs?: number;
  /** Longest time without an acknowledged write in etcd, ms. */
  writeGapMs?: number;
}

/** A stopped connection is noticed by HAProxy within a second, and redispatched. */
const API_GAP_MS = 3000;
/** A member that stops costs the client its second of patience; a lost leader an election. */
const WRITE_GAP_MS = 5000;

let number = 0;

/** A cheap change that rolls through the masters: a restart of each scheduler. */
export const SCHEDULER = (n: number): string => `scheduler: {extraArgs: {v: "${String(1 + (n % 9))}"}}\n`;
/** Another one, on the workers and masters alike: a restart of kubelet. */
export const KUBELET = (n: number): string =>
  `kubelet: {config: {failCgroupV1: false, cgroupDriver: cgroupfs, maxPods: ${String(100 + (n % 50))}}}\n`;
/** A restart of each API server, one after the other. */
export const API_SERVER = (n: number): string => `apiServer: {audit: {maxAge: ${String(30 + (n % 60))}}}\n`;
/** A restart of each etcd member, the leader last. */
export const ETCD = (n: number): string => `etcd: {config: {snapshot-count: ${String(10_000 + n)}}}\n`;

/** Lets the fault happen to a run, and proves that nothing is lost and the next run heals. */
export async function prove(fault: Fault): Promise<void> {
  number += 1;
  const changed = await overlay(fault.change(number));
  let said: Said = { code: -1, stdout: '', stderr: '' };
  let recovered = 0;
  const args = fault.planned ? ['--plan', await kept(changed)] : (fault.args ?? []);
  const testimony = await witnessed(fault.witness ?? 'w1', async () => {
    await fault.arrange?.();
    try {
      const run = new Running(['apply', '--yes', ...args], [changed]);
      await fault.act?.(run);
      said = await run.end();
    } finally {
      await fault.repair?.();
    }
    const text = said.stdout + said.stderr;
    expect(fault.codes, text).toContain(said.code);
    for (const words of fault.says ?? []) expect(text).toMatch(words);
    expect(text).not.toMatch(/\n\s+at .*\.(js|ts|cjs):\d+/);
    recovered = await heal(fault.healWith ? await overlay(fault.healWith(number)) : changed);
  });
  expect(testimony.lost, 'writes that etcd acknowledged').toEqual([]);
  expect(testimony.acknowledged).toBeGreaterThan(10);
  expect(testimony.apiGapMs, 'silence of the API at the VIP').toBeLessThanOrEqual(fault.apiGapMs ?? API_GAP_MS);
  expect(testimony.writeGapMs, 'time without a write').toBeLessThanOrEqual(fault.writeGapMs ?? WRITE_GAP_MS);
  await note({ fault: fault.name, code: said.code, message: messageOf(said), recovered, ...testimony });
}

function messageOf({ stderr }: Said): string {
  return /^✖ (.*) \(exit \d+\)$/m.exec(stderr)?.[1] ?? '';
}

async function kept(changed: string): Promise<string> {
  const file = `${changed}.plan.json`;
  const said = await mcpk(['plan', '--out', file], [changed]);
  expect(said.code, said.stdout + said.stderr).toBe(2);
  return file;
}

/**
 * The next run: ends well, leaves nothing to do, no temporary file and no process that is not what the disk says.
 * Milliseconds that this took.
 */
export async function heal(...overlays: readonly string[]): Promise<number> {
  const started = performance.now();
  const healed = await mcpk(['apply', '--yes', '--wait-lock', '30s'], overlays);
  expect(healed.code, healed.stdout + healed.stderr).toBe(0);
  await settled(...overlays);
  return performance.now() - started;
}

export async function settled(...overlays: readonly string[]): Promise<void> {
  await writeKubeconfig();
  expect((await mcpkJson<Plan>(['plan'], 0, overlays)).summary.changes).toBe(0);
  expect(await wrongProcesses()).toEqual([]);
  for (const name of NODES)
    expect(await on(name, 'sh', '-c', 'find /etc /usr/local /opt/cni /var/lib/mcpk/store -name ".*.mcpk"')).toBe('');
  await allNodesReady();
}

interface Row {
  fault: string;
  /** Of the run that it happened to. */
  code: number | string;
  message: string;
  /** Until the next run had healed it, ms. */
  recovered: number;
  /** Where a witness looked on. */
  apiGapMs?: number;
  writeGapMs?: number;
}

/** What docs/reliability.md is made of (`npm run reliability`). */
export async function note({ fault, code, message, recovered, apiGapMs, writeGapMs }: Row): Promise<void> {
  const folder = join(CLONE, '.cache');
  await mkdir(folder, { recursive: true });
  const line = { fault, code, message, recoveredMs: Math.round(recovered), apiGapMs, writeGapMs };
  await appendFile(join(folder, 'faults.jsonl'), `${JSON.stringify(line)}\n`);
}
