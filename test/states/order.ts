import type { Stage } from '../../src/states/stage.ts';

/** What stands before something that it needs; empty when the array is in order. */
export function outOfOrder(stages: readonly Stage[]): string[] {
  const names = stages.map((stage) => stage.name);
  return stages.flatMap((stage, at) =>
    [...stage.needs, ...(stage.drainsAfter ?? [])]
      .filter((need) => !names.slice(0, at).includes(need))
      .map((need) => `${stage.name} needs ${need}`),
  );
}
