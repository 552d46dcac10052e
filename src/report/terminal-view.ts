import { Listr, Spinner, type ListrRendererFactory } from 'listr2';
import { liveRegion, type LiveRegion } from './live-region.ts';
import { add, newModel, type RunModel } from './model.ts';
import { eventLine } from './plain-view.ts';
import { stageLine } from './stage-line.ts';
import { paint, type Theme } from './theme.ts';
import type { View, ViewStream } from './view.ts';
import { truncate } from './wrap.ts';

/** One line a stage; running ones tell what their hosts do. Finished runs leave their lines standing. */
export function terminalView(stream: ViewStream, base: Theme, options: { verbose: boolean }): View {
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
        live.draw(fit(frameOf(model, theme(), performance.now() - start, spinner.fetch()), stream.rows || 24));
    };
    const list = new Listr([{ title: 'stages', task: () => ended.promise }], {
      renderer: frameRenderer(frame, spinner),
      fallbackRenderer: 'silent',
      registerSignalListeners: false,
    });
    running = list.run();
  };

  return {
    emit(event) {
      if (running === undefined) begin();
      add(model, event);
      const line = eventLine(event, theme(), options.verbose);
      if (line !== undefined) region?.above(truncate(theme(), line.split('\n', 1)[0] ?? ''));
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
      ended.resolve();
      await running;
      region.clear();
      const now = performance.now() - start;
      for (const line of frameOf(model, theme(), now, '-', true)) stream.write(`${line}\n`);
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

function frameOf(model: RunModel, theme: Theme, now: number, spinner: string, last = false): string[] {
  const stages = [...model.stages.values()];
  const begun = stages.some((stage) => stage.status !== 'waiting');
  if (!begun) return last ? [] : [truncate(theme, phaseLine(model, theme, spinner))];
  return stages
    .filter((stage) => !last || stage.status !== 'waiting')
    .map((stage) => stageLine(stage, model, theme, { now, spinner }));
}

const PHASES: Readonly<Record<string, string>> = {
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
  const hosts = model.phase === 'connect' && open.length > 0 ? open : all;
  const said = hosts.length === 0 ? 'working' : `${PHASES[model.phase ?? ''] ?? 'working on'} ${hosts.join(', ')}`;
  return `${paint(theme, 'cyan', spinner)} ${said}`;
}

/** A frame taller than the terminal would scroll: the first lines, which are done, give way. */
function fit(lines: readonly string[], rows: number): readonly string[] {
  return lines.length < rows ? lines : lines.slice(lines.length - rows + 1);
}
