import { expect, test } from 'vitest';
import { Limit } from '../../src/core/limit.ts';

const never = new AbortController().signal;

test('no more than the limit run at once, and all get their turn, in order', async () => {
  const limit = new Limit(2);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 7 }, (_, index) =>
      limit.run(async () => {
        most = Math.max(most, (running += 1));
        await new Promise(setImmediate);
        order.push(index);
        running -= 1;
      }, never),
    ),
  );
  expect([most, order]).toEqual([2, [0, 1, 2, 3, 4, 5, 6]]);
});

test('a failure frees its place', async () => {
  const limit = new Limit(1);
  await expect(limit.run(() => Promise.reject(new Error('x')), never)).rejects.toThrow('x');
  await expect(limit.run(() => Promise.resolve(1), never)).resolves.toBe(1);
});

test('who waits in line can be called off, and does not use up a place', async () => {
  const limit = new Limit(1);
  const held = Promise.withResolvers<undefined>();
  const first = limit.run(() => held.promise, never);
  const off = new AbortController();
  const second = limit.run(() => Promise.resolve(2), off.signal);
  off.abort(new Error('off'));
  await expect(second).rejects.toThrow('off');
  held.resolve(undefined);
  await first;
  await expect(limit.run(() => Promise.resolve(3), never)).resolves.toBe(3);
});
