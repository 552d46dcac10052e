/** One run of the conformance specs against the lab's cluster, by its VIP, from the operator's side. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CALICO, inventoryFlags } from '../../bench/mcpk.ts';
import { exec } from '../../lab/lab.ts';
import { KUBECONFIG, onOperatorSide, operatorEnvironment } from '../../lab/operator.ts';
import { CLONE } from '../../lab/paths.ts';
import { attach } from '../../lab/run.ts';
import { VIP } from '../../lab/topology.ts';
import type { Moves } from '../../src/cluster/facts.ts';
import type { Round } from './document.ts';
import { ginkgoWords, PARTS, type Call, type Part } from './ginkgo.ts';
import { staleAmong } from './left-out.ts';
import { readReport, together, type Results } from './read-report.ts';

export type Asked = Pick<Call, 'tests' | 'kubernetes' | 'procs'> & { focus?: string };

/** @param folder gets the reports */
export async function runRound(asked: Asked, folder: string): Promise<Round> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const started = Date.now();
  const parts: Results[] = [];
  for (const part of PARTS) parts.push(await runPart({ ...asked, part, folder, kubeconfig: KUBECONFIG }));
  const ended = Date.now();
  const moves = await movesNow();
  const results = together(parts);
  if (asked.focus === undefined) {
    const stale = staleAmong(results.leftOut.map(({ name }) => name));
    results.failed.push(...stale.map(({ spec }) => ({ name: String(spec), why: 'no spec is called so any more' })));
  }
  return {
    ...results,
    seconds: (ended - started) / 1000,
    moves: moves && { vip: movedIn(moves.vip, started, ended), etcdLeader: movedIn(moves.etcdLeader, started, ended) },
  };
}

async function runPart(call: Call & { part: Part }): Promise<Results> {
  const code = await attach(onOperatorSide(ginkgoWords(call)), { env: operatorEnvironment(), cwd: call.folder });
  const report = await readFile(join(call.folder, `${call.part.name}.json`), 'utf8').catch(() => undefined);
  const results = readReport(report ?? '[]', VIP);
  // A run that breaks off may leave a report without a word of it.
  if (code !== 0 && results.failed.length === 0)
    results.failed.push({ name: `the ${call.part.name} part`, why: `ginkgo ended with ${String(code)}` });
  return results;
}

/** Since the last run of mcpk on the hosts. */
async function movesNow(): Promise<Moves | undefined> {
  const said = await exec(['mcpk', 'verify', ...inventoryFlags(CALICO), '--json'], { cwd: CLONE });
  try {
    return (JSON.parse(said.stdout) as { moves?: Moves }).moves;
  } catch {
    return undefined;
  }
}

/** How many fall into this time, ms. */
export function movedIn(moves: Moves['vip'], from: number, to: number): number {
  return (moves ?? []).filter(({ at }) => Date.parse(at) >= from && Date.parse(at) <= to).length;
}
