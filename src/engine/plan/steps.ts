import { isDeepStrictEqual } from 'node:util';
import type { Facts } from '../../cluster/facts.ts';
import { PATHS } from '../../core/paths.ts';
import type { Change } from '../../resources/types.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Brings, Moving, Stage, StepAround } from '../../states/stage.ts';
import { changesOf, type HostPlan, type PlanItem, type PlannedStep } from '../types.ts';

interface Around {
  cluster: Cluster;
  facts: Facts;
  /** In order. */
  batches: readonly (readonly string[])[];
  /** What changes on which host. */
  hosts: readonly HostPlan[];
  brings?: Brings;
}

/** The steps around all batches of a stage, in order. Made once, with the plan: just these are carried out. */
export function stepsAround(stage: Stage, { cluster, facts, batches, hosts, ...more }: Around): PlannedStep[] {
  const changing = { restarting: restarting(hosts), moving: moving(hosts), ...more };
  return batches.flatMap((batch, index) => {
    const { before, work, after = [], held } = stage.around?.({ cluster, facts, batch, ...changing }) ?? {};
    const planned = (when: PlannedStep['when'], steps: readonly StepAround[] = []): PlannedStep[] =>
      steps.map((step) => ({ batch: index, when, ...step }));
    const owed = undosOwed(stage, facts, batch).filter((step) => !after.some((each) => isSame(each, step)));
    return [
      ...planned('before', before),
      ...planned('work', work),
      ...planned('after', [...after, ...owed]),
      ...planned('held', held),
    ];
  });
}

function undosOwed({ name }: Stage, { owed = [] }: Facts, batch: readonly string[]): StepAround[] {
  return owed
    .filter(({ stage, host }) => stage === name && batch.includes(host))
    .map(({ host, run }) => ({ title: `${run.join(' ')}, which a run that was cut off owes`, on: host, run }));
}

function isSame(a: StepAround, b: StepAround): boolean {
  return a.on === b.on && isDeepStrictEqual(a.run, b.run);
}

export function moving(hosts: readonly HostPlan[]): Moving {
  return new Map(hosts.map((host) => [host.host, changesOf(host).flatMap((item) => movedBy(item) ?? [])]));
}

/** Of a package not where it is only held from now on: that can be let go of again, the version before it is not put back. */
function movedBy({
  ref,
  kind,
  comparison: { verb, irreversible },
}: PlanItem & { comparison: Change }): string | undefined {
  const command = `link:${PATHS.bin}/`;
  if (ref.startsWith(command)) return ref.slice(command.length);
  return kind === 'package' && verb === 'update' && irreversible !== undefined
    ? ref.slice('package:'.length)
    : undefined;
}

/** Units that a stage starts, restarts or stops, by host. */
export function restarting(hosts: readonly HostPlan[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    hosts.map((host) => [
      host.host,
      changesOf(host)
        .filter((item) => item.kind === 'unit' && ['start', 'restart', 'stop', 'remove'].includes(item.comparison.verb))
        .map((item) => item.ref.slice('unit:'.length)),
    ]),
  );
}
