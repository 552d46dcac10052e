import type { Facts } from '../../cluster/facts.ts';
import type { Brings } from '../../states/stage.ts';
import type { EngineInput } from '../input.ts';
import { chooseGenerations, readGenerations, type Generation } from '../past/generations.ts';
import { keptVersions } from '../past/kept-versions.ts';
import { itemsOf } from '../past/rollback-plan.ts';
import { backwards } from '../plan/backwards.ts';
import { open, type Opened } from '../read/open.ts';
import { checkBroken } from '../read/problems.ts';
import { tellUnfinished } from '../read/unfinished.ts';
import type { HostPlan, Plan, RunResult } from '../types.ts';
import { carryOut } from '../work/carry-out.ts';
import type { Doing } from '../work/doing.ts';
import { prepareWish } from './prepare-wish.ts';

export interface RollbackInput extends EngineInput {
  /** A run whose changes are undone; undefined = the last one that changed these hosts. */
  from?: string;
  confirm(plan: Plan, from: string): Promise<boolean>;
}

/** `mcpk rollback`: what a run changed on the selected hosts is put back, the last stage first, with what runs that were cut off owe. */
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
  const [generations, { owed }] = await Promise.all([
    readGenerations(opened.reader, hosts, input.signal),
    tellUnfinished(input, opened),
  ]);
  const chosen = chooseGenerations(generations, input.from);
  const from = chosen[0]?.run ?? '';
  const known = { ...opened, facts: { ...opened.facts, owed } };
  const kept = await keptVersions(opened.reader, chosen, input.signal);
  const brings: Brings = (host, service) => kept.get(host)?.[service];
  const doing = await prepareRollback(input, known, { chosen, owing: owingOn(hosts, input, known.facts), brings });
  const started = performance.now() - opened.since();
  return { ...(await carryOut(doing, { confirm: (planned) => input.confirm(planned, from), started })), from };
}

/** What runs that were cut off left undone: stage → hosts. */
interface Owing {
  /** As hosts noted it. */
  noted: ReadonlyMap<string, readonly string[]>;
  /** As a stage finds it by marks. */
  marked: ReadonlyMap<string, readonly string[]>;
}

function owingOn(hosts: readonly string[], { stages, cluster }: EngineInput, facts: Facts): Owing {
  const noted = Map.groupBy(
    (facts.owed ?? []).filter(({ host }) => hosts.includes(host)),
    ({ stage }) => stage,
  );
  const marked = stages.map((stage) => {
    const found = stage.owes?.(cluster, facts) ?? [];
    return [stage.name, found.filter((host) => hosts.includes(host))] as const;
  });
  return {
    noted: new Map([...noted].map(([stage, owed]) => [stage, owed.map(({ host }) => host)])),
    marked: new Map(marked.filter(([, found]) => found.length > 0)),
  };
}

async function prepareRollback(
  input: EngineInput,
  opened: Opened,
  { chosen, owing, brings }: { chosen: readonly Generation[]; owing: Owing; brings: Brings },
): Promise<Doing> {
  const stages = backwards(input.stages, new Set(chosen.map(({ stage }) => stage)), owing);
  // Its own limit is in what was chosen.
  const wish = { stages, plans: plansOf(chosen, owing), generations: chosen, brings };
  return prepareWish({ ...input, selection: {} }, opened, wish);
}

/** A host that only owes something changes nothing. */
function plansOf(chosen: readonly Generation[], { noted, marked }: Owing): Map<string, HostPlan[]> {
  const changing = chosen.map((generation) => ({ ...generation, items: itemsOf(generation) }));
  const owing = [...noted, ...marked].flatMap(([stage, hosts]) => hosts.map((host) => ({ stage, host, items: [] })));
  const byStage = Map.groupBy([...owing, ...changing], ({ stage }) => stage);
  return new Map(
    [...byStage].map(([stage, plans]) => {
      // Of a host that has both, what it changes.
      const byHost = new Map(plans.map(({ host, items }) => [host, { host, items }]));
      return [stage, [...byHost.values()]];
    }),
  );
}
