import { changesOf, type Action, type StagePlan } from '../types.ts';

const VERBS = ['start', 'stop', 'restart', 'reload', 'remove'] as const;

/** Units that the plan touches, in the order in which it does. `gatesAfter` gives the titles of a batch's gates. */
export function actionsOf(
  stages: readonly StagePlan[],
  gatesAfter: (stage: string, hosts: readonly string[]) => string[],
): Action[] {
  return stages.flatMap((stage) =>
    stage.batches.flatMap((batch, index) => {
      const touched = batch.flatMap((host) => unitsOf(stage, host));
      if (touched.length === 0) return [];
      const gates = gatesAfter(stage.name, batch);
      return touched.map((unit) => ({ stage: stage.name, batch: index, ...unit, gates }));
    }),
  );
}

function unitsOf(stage: StagePlan, host: string): Pick<Action, 'host' | 'unit' | 'verb' | 'reason'>[] {
  const planned = stage.hosts.find((each) => each.host === host);
  return (planned ? changesOf(planned) : []).flatMap(({ kind, ref, comparison }) => {
    const verb = VERBS.find((each) => each === comparison.verb);
    if (kind !== 'unit' || verb === undefined) return [];
    const reasons = comparison.reasons.map((reason) => reason.replace(/^(restart|reload), because /, ''));
    return [{ host, unit: ref.slice('unit:'.length), verb, reason: reasons.join(', ') }];
  });
}
