import { setImmediate as nextTurn } from 'node:timers/promises';

/** Goes through long work in one piece. */
export function atOnce<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/**
 * Goes through long work piece by piece, so that the sessions' signs of life get out in between: with hundreds of hosts
 * it takes longer than a host waits for one.
 */
export async function inTurns<T>(work: Generator<undefined, T>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    await ownTurn();
  }
}

let line: Promise<unknown> = Promise.resolve();

/** Pieces of several works stand in one line: all at once they would be one long turn. */
function ownTurn(): Promise<unknown> {
  line = line.then(() => nextTurn());
  return line;
}
