import type { Emit } from '../engine/types.ts';
import type { CiLog } from './ci-log.ts';
import { foldedView } from './folded-view.ts';
import type { Roster } from './fold.ts';
import { plainView } from './plain-view.ts';
import type { Theme } from './theme.ts';

export interface ViewStream {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

/** A view draws events and never steers: whatever it does, the run goes on. */
export interface View {
  emit: Emit;
  /** Makes room for a question; `resume` draws again. */
  pause(): void;
  resume(): void;
  /** Leaves the last picture standing. Nothing may be drawn afterwards. */
  end(): Promise<void>;
}

export interface ViewOptions {
  /** Nothing is drawn: the command prints one object. */
  json: boolean;
  verbose: boolean;
  /** Of a CI system, where it writes one. */
  log?: CiLog | undefined;
  /** Lines also on a terminal. */
  plain?: boolean;
  /** Progress goes to stderr; results go to stdout. */
  stream: ViewStream;
  theme: Theme;
  /** Who the hosts are: several that fail alike are said in words. */
  roster?: Roster | undefined;
}

/** The view that fits the stream: live stages on a terminal, lines elsewhere, that fold in a CI's log; nothing for `--json`. */
export async function createView(options: ViewOptions): Promise<View> {
  if (options.json) return { emit() {}, pause() {}, resume() {}, async end() {} };
  const { log } = options;
  if (log !== undefined) return foldedView(options.stream, options.theme, { ...options, log });
  if (options.stream.isTTY !== true || options.plain === true) return plainView(options.stream, options.theme, options);
  const { terminalView } = await import('./terminal-view.ts');
  return terminalView(options.stream, options.theme, options);
}
