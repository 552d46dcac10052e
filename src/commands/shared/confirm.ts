import { McpkError } from '../../core/errors.ts';
import type { View } from '../../report/view.ts';

/**
 * Whether there is somebody to ask before a change: on a terminal, unless `--yes` answers already. Throws `usage` where
 * a terminal is there but the question would not be seen on it.
 */
export function mayAsk({ yes, json }: { yes: boolean; json: boolean }): boolean {
  if (yes || !process.stdin.isTTY) return false;
  if (process.stderr.isTTY && !json) return true;
  const why = json
    ? '--json leaves no place for the question'
    : 'stderr, where the question would stand, is no terminal';
  throw new McpkError('usage', `before a change somebody is asked, and ${why}`, {
    hint: 'Look at what mcpk plan shows, then say --yes.',
  });
}

export interface Asking {
  /** Of {@link mayAsk}. False: it is shown, and agreed to. */
  asks: boolean;
  show: () => void;
  question: string;
  signal: AbortSignal;
}

/** Shows what will change and asks; the view makes room for that. */
export async function askOver(view: View, { asks, show, question, signal }: Asking): Promise<boolean> {
  view.pause();
  try {
    show();
    return !asks || (await confirm(question, signal));
  } finally {
    view.resume();
  }
}

/**
 * Asks on the terminal; only a plain yes is one, and the end of input (Ctrl-D) is none. Throws `interrupted` for Ctrl-C,
 * and the signal's reason.
 */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  terminal.once('SIGINT', () => ended.abort(new McpkError('interrupted', 'interrupted: nothing was done')));
  terminal.once('close', () => ended.abort());
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: AbortSignal.any([signal, ended.signal]) });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    signal.throwIfAborted();
    if (!ended.signal.aborted) throw error;
    process.stderr.write('\n');
    if (ended.signal.reason instanceof McpkError) throw ended.signal.reason;
    return false;
  } finally {
    terminal.close();
  }
}
