import type { CiLog } from './ci-log.ts';
import { eventLine } from './event-line.ts';
import type { Roster } from './fold.ts';
import { add, newModel } from './model.ts';
import { skippedLines, stageLine } from './stage-line.ts';
import { createTeller } from './teller.ts';
import type { Theme } from './theme.ts';
import type { View, ViewStream } from './view.ts';

/** A line for each stage that ended, which folds all that happened in it; what failed is not folded. */
export function foldedView(
  stream: ViewStream,
  theme: Theme,
  { log, ...options }: { log: CiLog; verbose: boolean; roster?: Roster | undefined },
): View {
  const model = newModel();
  /** Of stages that have not ended. */
  const told = new Map<string, string[]>();
  const write = (line: string): void => void stream.write(log.harmless(`${line}\n`));
  const teller = createTeller(write, () => theme, options);
  const end = (name: string): void => {
    const stage = model.stages.get(name);
    const lines = told.get(name) ?? [];
    told.delete(name);
    if (stage === undefined) return;
    if (stage.status === 'skipped') return skippedLines([stage], theme).forEach(write);
    const title = stageLine(stage, model, theme, { now: 0, spinner: '', roster: options.roster });
    const to = new Date();
    const span = { name, from: new Date(to.getTime() - stage.ms), to };
    if (lines.length === 0 || stage.status === 'failed') [title, ...lines].forEach(write);
    else stream.write(log.group(title, lines, span));
  };
  return {
    emit(event) {
      add(model, event);
      if (event.type === 'stage-end') return end(event.stage);
      if (!('stage' in event)) return teller.tell(event);
      const line = eventLine(event, theme, true);
      if (line !== undefined) told.set(event.stage, [...(told.get(event.stage) ?? []), line]);
    },
    pause() {},
    resume() {},
    async end() {
      teller.flush();
      for (const lines of told.values()) lines.forEach(write);
    },
  };
}
