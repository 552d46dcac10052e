import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { atOnce, inTurns } from '../../src/core/turns.ts';

function* counted(log: string[]): Generator<undefined, number> {
  for (const step of [1, 2, 3]) {
    log.push(`step ${String(step)}`);
    yield;
  }
  return 3;
}

it('in turns others come in between', async () => {
  const log: string[] = [];
  const work = inTurns(counted(log));
  await nextTurn();
  log.push('another');
  expect(await work).toBe(3);
  expect(log.indexOf('another')).toBeGreaterThan(0);
  expect(log.at(-1)).toBe('step 3');
});

it('at once nobody does', () => {
  const log: string[] = [];
  expect(atOnce(counted(log))).toBe(3);
  expect(log).toEqual(['step 1', 'step 2', 'step 3']);
});
