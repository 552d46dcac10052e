import { isDeepStrictEqual } from 'node:util';
import type { Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Stage, StepAround } from '../../states/stage.ts';
import { changesOf, type HostPlan, type PlannedStep } from '../types.ts';

interface Around {
  cluster: Cluster;
  facts: Facts;
  /** In order. */
  batches: readonly (readonly string[])[];
  /** What changes on which host. */
  hosts: readonly HostPlan[];
}

/** The steps around all batches of a stage, in order. Made once, with the plan: just these are carried out. */
export function stepsAround(stage: Stage, { cluster, facts, batches, hosts }: Around): PlannedStep[] {
  const units = restarting(hosts);
  return batches.flatMap((batch, index) => {
    const { before, after = [], held } = stage.around?.({ cluster, facts, batch, restarting: units }) ?? {};
    const planned = (when: PlannedStep['when'], steps: readonly StepAround[] = []): PlannedStep[] =>
      steps.map((step) => ({ batch: index, when, ...step }));
    const owed = undosOwed(stage, facts, batch).filter((step) => !after.some((each) => isSame(each, step)));
    return [...planned('before', before), ...planned('after', [...after, ...owed]), ...planned('held', held)];
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
