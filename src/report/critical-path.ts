export interface TimedStage {
  name: string;
  ms: number;
  needs: readonly string[];
}

/** The chain of stages that made the run as long as it was: each began when the last of its `needs` was done. Pure. */
export function criticalPath(stages: readonly TimedStage[]): TimedStage[] {
  const ends = new Map<string, number>();
  const endOf = (name: string): number => ends.get(name) ?? 0;
  const last = (names: readonly string[]): string | undefined => names.toSorted((a, b) => endOf(b) - endOf(a))[0];
  for (const { name, ms, needs } of stages) ends.set(name, ms + endOf(last(needs) ?? ''));
  const path: TimedStage[] = [];
  let name = last(stages.map((stage) => stage.name));
  while (name !== undefined) {
    const stage = stages.find((each) => each.name === name);
    if (stage === undefined) break;
    path.unshift(stage);
    name = last(stage.needs);
  }
  return path;
}
