import { hostsNow } from '../../cluster/clock.ts';
import type { Stage } from '../../states/stage.ts';
import type { EngineInput } from '../input.ts';
import { chooseGenerations, readGenerations, type Generation } from '../past/generations.ts';
import { itemsOf } from '../past/rollback-plan.ts';
import type { Comparisons } from '../plan/compare.ts';
import { inventoryOf } from '../plan/inventory-digest.ts';
import { plainStage } from '../plan/plain-stage.ts';
import { plan } from '../plan/plan.ts';
import { open, type Opened } from '../read/open.ts';
import { checkBroken } from '../read/problems.ts';
import { withStanding } from '../read/standing.ts';
import type { HostPlan, Plan, RunResult } from '../types.ts';
import { carryOut } from '../work/carry-out.ts';
import { refusals } from '../work/guard.ts';
import type { Doing } from '../work/doing.ts';
import { assemble } from './assemble.ts';

export interface RollbackInput extends EngineInput {
  /** A run whose changes are undone; undefined = the last one that changed these hosts. */
  from?: string;
  confirm(plan: Plan, from: string): Promise<boolean>;
}

/** `mcpk rollback`: what a run changed on the selected hosts is put back, the last stage first. */
export async function rollbackRun(input: RollbackInput): Promise<RunResult & { from: string }> {
  const opened = await open(input, 'exclusive');
  try {
    return await rollbackOpened(input, opened);
  } finally {
    await opened.fleet.close();
  }
}

/** Of hosts that are reached and locked. */
export async function rollbackOpened(input: RollbackInput, opened: Opened): Promise<RunResult & { from: string }> {
  checkBroken(input, opened);
  const { limit } = input.selection;
  const hosts = [...opened.fleet.sessions.keys()].filter((host) => limit?.has(host) ?? true);
  const chosen = chooseGenerations(await readGenerations(opened.fleet, hosts, input.signal), input.from);
  const from = chosen[0]?.run ?? '';
  const doing = await prepareRollback(input, opened, chosen);
  const started = performance.now() - opened.since();
  return { ...(await carryOut(doing, { confirm: (planned) => input.confirm(planned, from), started })), from };
}

async function prepareRollback(input: EngineInput, opened: Opened, chosen: readonly Generation[]): Promise<Doing> {
  const { cluster } = input;
  const stages = backwards(input.stages, new Set(chosen.map(({ stage }) => stage)));
  const now = new Date();
  const tree = { hosts: [...opened.facts.hosts.keys()], stages: [] };
  const comparisons: Comparisons = { byHost: new Map(), shared: new Map(), stages: plansOf(chosen) };
  const surroundings = { reader: opened.reader, cluster, stages };
  const facts = await withStanding(surroundings, opened.facts, comparisons);
  // Its own limit is in what was chosen.
  const planInput = { cluster, facts, stages, tree, comparisons, selection: {}, inventory: inventoryOf(input) };
  const unguarded = plan({ ...planInput, tool: input.tool, now });
  const planned = { ...unguarded, refused: await refusals({ ...surroundings, facts }, unguarded) };
  input.emit({ at: opened.since(), type: 'planned', plan: planned, ms: opened.since() });
  const observed = new Map<string, never>();
  return assemble({
    input: { ...input, stages, selection: {} },
    opened: { ...opened, facts },
    tree,
    observed,
    comparisons,
    plan: planned,
    compareInput: { tree, observed, facts: facts.hosts, apiOwned: new Map(), now: hostsNow(facts) },
    planInput: { ...planInput, tool: input.tool, now },
    gateHeld: new Set(),
    generations: chosen,
  });
}

/**
 * Only these, the last one first: what needed another goes back before it. What is of no stage that is known goes back
 * before all others, as nobody knows what it rests on.
 */
export function backwards(stages: readonly Stage[], names: ReadonlySet<string>): Stage[] {
  const wanted = stages.filter((stage) => names.has(stage.name)).toReversed();
  const former = [...names].filter((name) => !wanted.some((stage) => stage.name === name));
  return [
    ...former.map((name, index) => plainStage(name, `Former stage ${name}`, former.slice(0, index))),
    ...wanted.map((stage) => {
      const needs = [...former, ...needing(stages, stage.name).filter((name) => names.has(name))];
      const back: Stage = { ...stage, needs };
      // What it would wait for may be what is broken, and goes back after it.
      delete back.waits;
      return back;
    }),
  ];
}

/** All that need it, by way of others too. */
function needing(stages: readonly Stage[], name: string): string[] {
  const found = new Set([name]);
  for (const stage of stages) if (stage.needs.some((need) => found.has(need))) found.add(stage.name);
  found.delete(name);
  return [...found];
}

function plansOf(chosen: readonly Generation[]): Map<string, HostPlan[]> {
  const plans = new Map<string, HostPlan[]>();
  for (const generation of chosen) {
    const plan = { host: generation.host, items: itemsOf(generation) };
    plans.set(generation.stage, [...(plans.get(generation.stage) ?? []), plan]);
  }
  return plans;
}
