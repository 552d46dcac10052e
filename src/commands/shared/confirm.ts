import { changesOf, type Plan } from '../../engine/types.ts';

const DISRUPTIVE = new Set(['restart', 'reload', 'stop', 'remove']);

/** Units of a cluster that serves already will restart, or something of it will go. */
export function touchesLiveCluster(plan: Plan): boolean {
  if (plan.etcd !== 'formed') return false;
  const changes = plan.stages.flatMap((stage) => stage.hosts).flatMap(changesOf);
  return changes.some((item) => DISRUPTIVE.has(item.comparison.verb));
}

/** Asks on the terminal; only a plain yes is one. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
