import type { Roster } from './fold.ts';
import { add, newModel, type StageModel } from './model.ts';
import { skippedLines, stageLine } from './stage-line.ts';
import { createTeller } from './teller.ts';
import type { Theme } from './theme.ts';
import type { View, ViewStream } from './view.ts';

/** A line for each stage that ended and for what must not be missed: for logs, pipes and CI. */
export function plainView(
  stream: ViewStream,
  theme: Theme,
  options: { verbose: boolean; roster?: Roster | undefined },
): View {
  const model = newModel();
  let skipped: StageModel[] = [];
  const write = (line: string): void => {
    const lines = [...skippedLines(skipped, theme), line];
    skipped = [];
    stream.write(
      lines
        .filter((each) => each !== '')
        .map((each) => `${each}\n`)
        .join(''),
    );
  };
  const teller = createTeller(write, () => theme, options);
  return {
    emit(event) {
      add(model, event);
      teller.tell(event);
      const stage = event.type === 'stage-end' ? model.stages.get(event.stage) : undefined;
      if (stage?.status === 'skipped') skipped.push(stage);
      else if (stage) write(stageLine(stage, model, theme, { now: event.at, spinner: '', roster: options.roster }));
    },
    pause() {},
    resume() {},
    async end() {
      teller.flush();
      write('');
    },
  };
}
