import type { MadeStages, Seen, Wish } from '../../states/wishes/wish.ts';
import { answersOf } from '../hosts/reader.ts';
import type { EngineInput } from '../input.ts';
import { owedBefore } from '../plan/owed-first.ts';
import { checkBelonging, open, type Opened } from '../read/open.ts';
import { checkProblems } from '../read/problems.ts';
import { tellUnfinished } from '../read/unfinished.ts';
import type { Plan, RunResult } from '../types.ts';
import { carryOut } from '../work/carry-out.ts';
import { runId } from '../work/run-state.ts';
import type { Assembled } from './assemble.ts';
import { prepareWish } from './prepare-wish.ts';

/** Its stages are those of an apply: what a run that was cut off owes is of these. */
export interface WishInput extends EngineInput {
  confirm(plan: Plan): Promise<boolean>;
}

/** A wish over the inventory: its stages are planned, agreed to and carried out as those of an apply. */
export async function wishRun(input: WishInput, wish: Wish): Promise<RunResult> {
  const opened = await open({ ...input, stages: wish.stages }, 'exclusive');
  try {
    return await wishOpened(input, wish, opened);
  } finally {
    await opened.fleet.close();
  }
}

/** What {@link wishRun} would do; takes no lock, and changes nothing. */
export async function planWish(input: EngineInput, wish: Wish): Promise<Plan> {
  const opened = await open({ ...input, stages: wish.stages }, 'none');
  try {
    checkBelonging(input.cluster, opened.facts);
    return (await prepareOpened(input, wish, opened)).program.plan;
  } finally {
    await opened.fleet.close();
  }
}

/** Of hosts that are reached and locked. */
export async function wishOpened(input: WishInput, wish: Wish, opened: Opened): Promise<RunResult> {
  const started = performance.now() - opened.since();
  const prepared = await prepareOpened(input, wish, opened);
  return carryOut(prepared, { confirm: (planned) => input.confirm(planned), started });
}

/** What runs that were cut off owe these hosts comes first, as in an apply. */
async function prepareOpened(input: EngineInput, wish: Wish, opened: Opened): Promise<Assembled> {
  const run = runId(new Date());
  const known = await withUnfinished(input, opened);
  const found = await made(input, wish, known, run);
  // A restore starts and stops what it needs itself: until then nothing that it bars may start.
  const owed = wish.restores ? [] : owedBefore(found.stages, input.cluster, known.facts);
  // Its stages name their hosts, and what is owed on others is seen to as well.
  return prepareWish({ ...input, selection: {} }, known, { ...found, owed, run });
}

/** With what runs that were cut off left on these hosts. */
export async function withUnfinished(input: EngineInput, opened: Opened): Promise<Opened> {
  const { owed } = await tellUnfinished(input, opened);
  return { ...opened, facts: { ...opened.facts, owed } };
}

async function made(input: EngineInput, wish: Wish, opened: Opened, run: string): Promise<MadeStages> {
  const { facts, reader } = opened;
  const ask: Seen['ask'] = (asks) => answersOf(reader, asks, input.signal);
  const found = (await wish.stagesOf?.({ facts, ask, run })) ?? { stages: wish.stages };
  if (!wish.restores) await checkProblems({ ...input, stages: found.stages }, opened);
  return found;
}
