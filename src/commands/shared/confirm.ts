import { McpkError } from '../../core/errors.ts';
import { changesOf, type Plan } from '../../engine/types.ts';

const DISRUPTIVE = new Set(['restart', 'reload', 'stop', 'remove']);

/** Units of a cluster that serves already will restart, or something of it will go. */
export function touchesLiveCluster(plan: Plan): boolean {
  if (plan.etcd !== 'formed') return false;
  const changes = plan.stages.flatMap((stage) => stage.hosts).flatMap(changesOf);
  return changes.some((item) => DISRUPTIVE.has(item.comparison.verb));
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
