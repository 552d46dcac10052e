import { McpkError } from '../../core/errors.ts';
import { inTurns } from '../../core/turns.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Answer } from '../../cluster/gate.ts';
import type { Host } from '../../inventory/types.ts';
import { ask } from '../hosts/ask.ts';
import { compiling } from '../plan/compile.ts';
import { carryOut } from '../work/carry-out.ts';
import { openFleet } from '../hosts/fleet.ts';
import { inventoryOf } from '../plan/inventory-digest.ts';
import { open, type EngineInput } from '../read/open.ts';
import { compileInput, concerned, isInPlace, prepare } from './prepare.ts';
import { leavesRest, whileRefused } from '../read/refused-by-api.ts';
import type { Run } from '../work/run-context.ts';
import { checkHolds, checkInventory } from '../plan/stale.ts';
import type { Plan, RunResult, StateTree } from '../types.ts';

/** `mcpk facts` */
export async function gatherFacts(input: EngineInput): Promise<Facts> {
  const { fleet, facts } = await open(input, 'none');
  await fleet.close();
  return facts;
}

/** `mcpk show`, `mcpk render`: the compiled states of every host. */
export async function compileStates(input: EngineInput): Promise<{ facts: Facts; tree: StateTree }> {
  const { fleet, facts } = await open(input, 'none');
  await fleet.close();
  return { facts, tree: await inTurns(compiling(compileInput(input, facts))) };
}

/** A stage that only verifies is for `verify`: an apply with nothing to do creates nothing in the cluster. */
function converging<T extends EngineInput>(input: T): T {
  return { ...input, stages: input.stages.filter((stage) => !stage.verify) };
}

/** `mcpk plan` */
export async function planRun(options: EngineInput): Promise<Plan> {
  const input = converging(options);
  const opened = await open(input, 'none');
  try {
    return (await prepare(whileRefused(input, opened), opened, [])).plan;
  } finally {
    await opened.fleet.close();
  }
}

export interface ApplyInput extends EngineInput {
  confirm(plan: Plan): Promise<boolean>;
  /** Made before: just this is done, or nothing. */
  saved?: Plan;
}

/** `mcpk apply`: plans, asks, executes. */
export async function applyRun(options: ApplyInput): Promise<RunResult> {
  const started = performance.now();
  const { saved } = options;
  if (saved) checkInventory(saved, inventoryOf(options));
  const whole = converging(options);
  const opened = await open(whole, 'exclusive');
  try {
    const input = whileRefused(whole, opened);
    const wanted = concerned(input);
    const inPlace = input.stages.filter(
      (stage) => wanted.has(stage.name) && isInPlace(stage, input.cluster, opened.facts),
    );
    const run = await prepare(input, opened, inPlace);
    if (saved) checkHolds(saved, run.plan);
    const confirm = (plan: Plan): Promise<boolean> => input.confirm(plan);
    const result = await carryOut(run, { confirm, started, mended: () => finished(run, input) });
    return leavesRest(whole, input) ? { ...result, onlyAccess: true } : result;
  } finally {
    await opened.fleet.close();
  }
}

/** Hosts on which what an earlier run left half done is done now. */
function finished(run: Run, { selection }: EngineInput): string[] {
  if (run.failures.length > 0 || selection.only || selection.skip) return [];
  return run.cutOff.filter((host) => selection.limit?.has(host) ?? true);
}

/** Runs one command on every selected host. */
export async function execOnHosts(input: EngineInput, argv: readonly string[]): Promise<Answer[]> {
  const { fleet } = await open(input, 'none');
  try {
    return await ask(
      fleet,
      [...fleet.sessions.keys()]
        .filter((name) => input.selection.limit?.has(name) ?? true)
        .map((host) => ({ host, argv: [...argv], long: true })),
      input.signal,
    );
  } finally {
    await fleet.close();
  }
}

/** Files as root reads them, from the first of these hosts that is reached. */
export async function readFiles(
  input: EngineInput,
  hosts: readonly Host[],
  paths: readonly string[],
): Promise<string[]> {
  const failures: McpkError[] = [];
  for (const host of hosts) {
    const fleet = await openFleet([host], { ...input, lock: 'none', since: () => 0 });
    try {
      failures.push(...fleet.unreachable.values());
      if (fleet.sessions.size === 0) continue;
      const texts: string[] = [];
      for (const path of paths) texts.push((await fleet.read(host.name, path, input.signal)).toString('utf8'));
      return texts;
    } finally {
      await fleet.close();
    }
  }
  throw failures[0] ?? new McpkError('invalid', 'the inventory has no master');
}
