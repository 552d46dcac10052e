import { changesOf, type PlannedStep, type StagePlan } from '../types.ts';

/** Steps that put right what a run before left undone: those of batches in which nothing else changes. */
export function owedSteps({ hosts, batches, steps }: StagePlan): PlannedStep[] {
  const changing = new Set(hosts.flatMap((each) => (changesOf(each).length > 0 ? [each.host] : [])));
  return steps.filter(({ batch }) => batches[batch]?.every((host) => !changing.has(host)));
}
