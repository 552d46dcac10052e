import { Writable } from 'node:stream';
import { McpkError } from '../../core/errors.ts';
import type { Cluster } from '../../inventory/types.ts';
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
  /** How it is asked: with a question for a yes, or otherwise. */
  question: string | ((signal: AbortSignal) => Promise<boolean>);
  signal: AbortSignal;
}

/** Shows what will change and asks; the view makes room for that. */
export async function askOver(view: View, { asks, show, question, signal }: Asking): Promise<boolean> {
  view.pause();
  try {
    show();
    return !asks || (await (typeof question === 'string' ? confirm(question, signal) : question(signal)));
  } finally {
    view.resume();
  }
}

/** As {@link answer}: only a plain yes is one. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  return /^y(es)?$/i.test((await answer(`${question} [y/N] `, signal)) ?? '');
}

/**
 * What is typed on the terminal, without blanks around it; undefined at the end of input (Ctrl-D). Throws `interrupted`
 * for Ctrl-C, and the signal's reason.
 */
export async function answer(question: string, signal: AbortSignal): Promise<string | undefined> {
  return (await typed(question, signal))?.trim();
}

/** As {@link answer}, but just as it is typed, and the terminal does not show it. */
export async function answerUnseen(question: string, signal: AbortSignal): Promise<string | undefined> {
  const text = await typed(question, signal, { unseen: true });
  if (text !== undefined) process.stderr.write('\n');
  return text;
}

async function typed(
  question: string,
  signal: AbortSignal,
  { unseen = false }: { unseen?: boolean } = {},
): Promise<string | undefined> {
  const { createInterface } = await import('node:readline/promises');
  const nowhere = new Writable({ write: (_part, _encoding, done) => done() });
  const how = unseen ? { output: nowhere, terminal: true, historySize: 0 } : { output: process.stderr };
  const terminal = createInterface({ input: process.stdin, ...how });
  // Not before the terminal echoes nothing any more.
  if (unseen) process.stderr.write(question);
  const ended = new AbortController();
  terminal.once('SIGINT', () => ended.abort(new McpkError('interrupted', 'interrupted: nothing was done')));
  terminal.once('close', () => ended.abort());
  try {
    return await terminal.question(unseen ? '' : question, { signal: AbortSignal.any([signal, ended.signal]) });
  } catch (error) {
    signal.throwIfAborted();
    if (!ended.signal.aborted) throw error;
    process.stderr.write('\n');
    if (ended.signal.reason instanceof McpkError) throw ended.signal.reason;
    return undefined;
  } finally {
    terminal.close();
  }
}

export interface AskingName {
  /** Its name must be typed, and is what `--yes` must come with. */
  cluster: Pick<Cluster, 'name' | 'files'>;
  flags: { yes: boolean; cluster?: string | undefined };
  json: boolean;
}

/**
 * For what can't be taken back: somebody types the cluster's name, or `--yes --cluster NAME` says it. Tells whether there
 * is somebody to ask.
 *
 * @throws McpkError `refused` for another name, `usage` where it is not said and nobody can be asked
 */
export function mayAskName({ cluster: { name, files }, flags: { yes, cluster: told }, json }: AskingName): boolean {
  if (told !== undefined && told !== name)
    throw new McpkError('refused', `the inventory is of the cluster ${name}, not of ${JSON.stringify(told)}`, {
      hint: `Nothing was changed. See whether ${files.join(', ')} is the one that is meant.`,
    });
  if (yes && told !== undefined) return false;
  if (!yes && process.stdin.isTTY && process.stderr.isTTY && !json) return true;
  const why = yes ? '--yes does not say it' : 'there is nobody to ask';
  throw new McpkError('usage', `what is lost can't be brought back: the cluster's name is wanted, and ${why}`, {
    hint: 'Say so: --yes --cluster NAME, with the name that is meant; the inventory has it.',
  });
}

/** Whether the name was typed; `lead` comes before the question. */
export async function confirmName(cluster: string, signal: AbortSignal, lead = ''): Promise<boolean> {
  return (await answer(`${lead}Type the cluster's name to go on (${cluster}): `, signal)) === cluster;
}
