import { McpkError, failure, type FailureList } from '../../core/errors.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Guard } from '../../cluster/gate.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Stage } from '../../states/stage.ts';
import { askGates } from '../hosts/gates.ts';
import type { Reader } from '../hosts/reader.ts';
import { restarting } from '../plan/steps.ts';
import type { Plan, Refusal, StagePlan } from '../types.ts';
import type { Doing } from './doing.ts';

interface Surroundings {
  cluster: Cluster;
  facts: Facts;
  /** Hosts on which what was down is up before any batch. */
  back?: readonly string[];
}

/** What must hold of the others before this batch is taken down; `ahead`: all before it is taken as done. */
function guardsOf(
  { cluster, facts, back = [] }: Surroundings,
  stage: Stage,
  planned: StagePlan,
  index: number,
  ahead: boolean,
): Guard[] {
  return (
    stage.guard?.({
      cluster,
      facts,
      batch: planned.batches[index] ?? [],
      earlier: [...back, ...planned.batches.slice(0, index).flat()],
      restarting: restarting(planned.hosts),
      ahead,
    }) ?? []
  );
}

/** What apply refuses as things are, found before the first change. A plan that takes nothing down asks nothing. */
export async function refusals(
  on: Surroundings & { reader: Reader; stages: readonly Stage[] },
  plan: Plan,
): Promise<Refusal[]> {
  const guarded = plan.stages.flatMap((planned) => {
    const stage = on.stages.find((each) => each.name === planned.name);
    if (!stage) return [];
    return planned.batches.flatMap((batch, index) =>
      guardsOf(on, stage, planned, index, true).map((guard) => ({ stage: planned.name, hosts: batch, guard })),
    );
  });
  if (guarded.length === 0) return [];
  const seen = await askGates(
    on.reader,
    guarded.map(({ guard }) => guard),
  );
  return guarded.flatMap(({ stage, hosts, guard }, index) => {
    const wrong = seen[index]?.wrong;
    return wrong === undefined ? [] : [{ stage, hosts, title: guard.title, wrong, consequence: guard.consequence }];
  });
}

/** @throws McpkError `refused` */
export function refusedError(found: readonly [Refusal, ...Refusal[]]): McpkError | FailureList {
  const [first, ...rest] = found.map(
    ({ stage, hosts, title, wrong, consequence }) =>
      new McpkError('refused', `${stage}: ${hosts.join(', ')} must not be taken down now`, {
        stage,
        details: [`must hold  ${title}`, `seen       ${wrong}`],
        hint: hintFor(consequence),
      }),
  ) as [McpkError, ...McpkError[]];
  return failure([first, ...rest]);
}

/**
 * Asks once more right before the batch, when all before it is really done.
 *
 * @throws McpkError `refused`
 */
export async function holdGuards(doing: Doing, stage: Stage, planned: StagePlan, index: number): Promise<void> {
  const { cluster, forceUnsafe, plan } = doing.program;
  const guards = guardsOf({ cluster, facts: doing.hands.facts }, stage, planned, index, false);
  // With --force-unsafe a guard that the plan saw not to hold is not waited for.
  const known = new Set(forceUnsafe ? plan.refused.map((each) => each.title) : []);
  await Promise.all(guards.filter(({ title }) => !known.has(title)).map((guard) => holdGuard(doing, stage, guard)));
}

async function holdGuard({ program, hands, state }: Doing, stage: Stage, guard: Guard): Promise<void> {
  const { forceUnsafe } = program;
  const stop = forceUnsafe ? {} : { stop: () => state.stop() };
  const hint = hintFor(guard.consequence);
  try {
    await hands.hold([guard], { stage: stage.name, code: 'refused', hint, ...stop });
  } catch (error) {
    if (!(forceUnsafe && error instanceof McpkError && error.code === 'refused')) throw error;
    const message = forced({ ...guard, wrong: error.details[0] ?? '' });
    state.emit({ at: state.since(), type: 'warning', message });
  }
}

/** `--force-unsafe`: what is done all the same, and what comes of it. */
export function forced({ title, wrong, consequence }: Pick<Refusal, 'title' | 'wrong' | 'consequence'>): string {
  return `--force-unsafe: not so that ${title} (${wrong}). While it is down ${consequence}`;
}

function hintFor(consequence: string): string {
  return `Bring back what is away first, then run the same command again. --force-unsafe goes on all the same; then ${consequence}`;
}
