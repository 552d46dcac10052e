import type { Stage } from '../../states/stage.ts';
import { plainStage } from './plain-stage.ts';

/** Names of stages of which runs that were cut off left something undone. */
interface Owing {
  /** As hosts noted it. */
  noted: { has(name: string): boolean };
  /** As the stage finds it by marks. */
  marked: { has(name: string): boolean };
}

/**
 * Only these, the last one first: what needed another goes back before it. What is of no stage that is known goes back
 * before all others, as nobody knows what it rests on. Of stages that only owe something, what hosts noted was stopped
 * there, and others may wait for it: it comes first. A mark is taken away by way of what goes back, and comes last.
 */
export function backwards(
  stages: readonly Stage[],
  names: ReadonlySet<string>,
  { noted, marked }: Owing = { noted: new Set(), marked: new Set() },
): Stage[] {
  const going = stages.filter((stage) => names.has(stage.name)).toReversed();
  const former = [...names].filter((name) => !going.some((stage) => stage.name === name));
  const owing = stages.filter((stage) => !names.has(stage.name));
  const first = owing.filter(({ name }) => noted.has(name));
  const last = owing.filter(({ name }) => marked.has(name) && !noted.has(name));
  const before = [...first.map(({ name }) => name), ...former];
  const all = [...before, ...going.map(({ name }) => name)];
  return [
    ...first.map((stage, index) => turned(stage, before.slice(0, index))),
    ...former.map((name, index) => plainStage(name, `Former stage ${name}`, before.slice(0, first.length + index))),
    ...going.map((stage) =>
      turned(stage, [...before, ...needing(stages, stage.name).filter((name) => names.has(name))]),
    ),
    ...last.map((stage, index) => turned(stage, [...all, ...last.slice(0, index).map(({ name }) => name)])),
  ];
}

function turned(stage: Stage, needs: string[]): Stage {
  const back: Stage = { ...stage, ...stage.back, needs };
  // What it would wait for may be what is broken, and goes back after it.
  delete back.waits;
  delete back.due;
  delete back.drainsAfter;
  return back;
}

/** All that need it, be it for their drains alone, by way of others too. */
export function needing(stages: readonly Stage[], name: string): string[] {
  const found = new Set([name]);
  for (const stage of stages)
    if ([...stage.needs, ...(stage.drainsAfter ?? [])].some((need) => found.has(need))) found.add(stage.name);
  found.delete(name);
  return [...found];
}
