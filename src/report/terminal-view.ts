import { Listr, Spinner, type ListrRendererFactory } from 'listr2';
import { liveRegion, type LiveRegion } from './live-region.ts';
import { add, newModel, type RunModel } from './model.ts';
import type { Roster } from './fold.ts';
import { skippedLines, stageLine, type StageLineOptions } from './stage-line.ts';
import { createTeller } from './teller.ts';
import { paint, type Theme } from './theme.ts';
import type { View, ViewStream } from './view.ts';
import { truncate, wrap } from './wrap.ts';

/** One line a stage; running ones tell what their hosts do. Finished runs leave their lines standing. */
export function terminalView(
  stream: ViewStream,
  base: Theme,
  options: { verbose: boolean; roster?: Roster | undefined },
): View {
  const start = performance.now();
  const model = newModel();
  const ended = Promise.withResolvers<void>();
  let region: LiveRegion | undefined;
  let running: Promise<unknown> | undefined;
  let paused = false;
  const theme = (): Theme => ({ ...base, columns: stream.columns || base.columns });

  // listr2 keeps the list of stages and the clock; what a line says comes from the model. Its own renderer shows only
  // tasks that were started, and ours all wait from the first moment on.
  const begin = (): void => {
    region = liveRegion(stream);
    const live = region;
    const spinner = base.unicode ? new Spinner() : new AsciiSpinner();
    const frame = (): void => {
      if (!paused)
        live.draw(
          fit(
            frameOf(model, theme(), {
              now: performance.now() - start,
              spinner: spinner.fetch(),
              roster: options.roster,
            }),
            stream.rows || 24,
          ),
        );
    };
    const list = new Listr([{ title: 'stages', task: () => ended.promise }], {
      renderer: frameRenderer(frame, spinner),
      fallbackRenderer: 'silent',
      registerSignalListeners: false,
    });
    running = list.run();
  };

  const write = (line: string, isWhole = false): void => {
    const first = line.split('\n', 1)[0] ?? '';
    region?.above(isWhole ? wrap(theme(), first, 2).join('\n') : truncate(theme(), first));
  };
  const teller = createTeller(write, theme, options);
  return {
    emit(event) {
      if (running === undefined) begin();
      add(model, event);
      teller.tell(event);
    },
    pause() {
      paused = true;
      region?.clear();
    },
    resume() {
      paused = false;
    },
    async end() {
      if (running === undefined || region === undefined) return;
      teller.flush();
      ended.resolve();
      await running;
      region.clear();
      const last = { now: performance.now() - start, spinner: '-', roster: options.roster };
      for (const line of lastFrame(model, theme(), last)) stream.write(`${line}\n`);
      region.close();
    },
  };
}

class AsciiSpinner extends Spinner {
  protected override readonly spinner = ['|', '/', '-', '\\'];
}

function frameRenderer(frame: () => void, spinner: Spinner): ListrRendererFactory {
  return class FrameRenderer {
    static readonly nonTTY = true;
    static readonly rendererOptions: never;
    static readonly rendererTaskOptions: never;
    render(): void {
      frame();
      spinner.start(frame, 100);
    }
    end(): void {
      spinner.stop();
    }
  };
}

function frameOf(model: RunModel, theme: Theme, options: StageLineOptions): string[] {
  const stages = [...model.stages.values()];
  const begun = stages.some((stage) => stage.status !== 'waiting');
  return begun
    ? stages.map((stage) => stageLine(stage, model, theme, options))
    : [truncate(theme, phaseLine(model, theme, options.spinner))];
}

/** What stays: stages that began, and in a line those that did not for the same reason. */
function lastFrame(model: RunModel, theme: Theme, options: StageLineOptions): string[] {
  const stages = [...model.stages.values()].filter((stage) => stage.status !== 'waiting');
  const skipped = stages.filter((stage) => stage.status === 'skipped');
  const begun = stages.filter((stage) => stage.status !== 'skipped');
  return [...begun.map((stage) => stageLine(stage, model, theme, options)), ...skippedLines(skipped, theme)];
}

const PHASES: Readonly<Record<string, string>> = {
  wait: 'waiting for',
  connect: 'connecting to',
  lock: 'waiting for the lock of',
  gather: 'reading',
  compile: 'compiling the states of',
  probe: 'reading',
  plan: 'planning',
};

function phaseLine(model: RunModel, theme: Theme, spinner: string): string {
  const open = model.hosts.filter((host) => !model.connected.has(host));
  // Small commands do not say which hosts they will ask: then those that were reached.
  const all = model.hosts.length > 0 ? model.hosts : [...model.connected];
  const isLogin = model.phase === 'connect' || model.phase === 'wait';
  const hosts = isLogin && open.length > 0 ? open : all;
  const said = hosts.length === 0 ? 'working' : `${PHASES[model.phase ?? ''] ?? 'working on'} ${hosts.join(', ')}`;
  return `${paint(theme, 'cyan', spinner)} ${said}`;
}

/** A frame taller than the terminal would scroll: the first lines, which are done, give way. */
function fit(lines: readonly string[], rows: number): readonly string[] {
  return lines.length < rows ? lines : lines.slice(lines.length - rows + 1);
}
