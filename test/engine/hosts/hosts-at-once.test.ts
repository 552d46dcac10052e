import { expect, test } from 'vitest';
import { HostsAtOnce } from '../../../src/engine/hosts/hosts-at-once.ts';

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise(setImmediate);

test('no more hosts than the limit are worked on at once, and all get their turn, in order', async () => {
  const hosts = new HostsAtOnce(2);
  const busy = new Set<string>();
  let most = 0;
  const order: string[] = [];
  const work = async (host: string): Promise<void> => {
    busy.add(host);
    most = Math.max(most, busy.size);
    await turn();
    order.push(host);
    busy.delete(host);
  };
  const names = ['a', 'b', 'c', 'd', 'e'];
  await Promise.all(names.map((host) => hosts.run(host, () => work(host), never)));
  expect([most, order]).toEqual([2, names]);
});

test('a host that is in does further works at once, and keeps its place until the last one ends', async () => {
  const hosts = new HostsAtOnce(1);
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const done: string[] = [];
  const note = (text: string): void => void done.push(text);
  const all = [
    hosts.run('a', () => first.promise, never).then(note),
    hosts.run('a', () => second.promise, never).then(note),
    hosts.run('b', () => Promise.resolve('b'), never).then(note),
  ];
  second.resolve('second of a');
  await turn();
  expect(done).toEqual(['second of a']);
  first.resolve('first of a');
  await Promise.all(all);
  expect(done).toEqual(['second of a', 'first of a', 'b']);
});

test('a failure frees the place, and the host may come again', async () => {
  const hosts = new HostsAtOnce(1);
  await expect(hosts.run('a', () => Promise.reject(new Error('x')), never)).rejects.toThrow('x');
  await expect(hosts.run('b', () => Promise.resolve(1), never)).resolves.toBe(1);
  await expect(hosts.run('a', () => Promise.resolve(2), never)).resolves.toBe(2);
});

test('who waits in line can be called off, all works of his, and does not use up a place', async () => {
  const hosts = new HostsAtOnce(1);
  const held = Promise.withResolvers<void>();
  const first = hosts.run('a', () => held.promise, never);
  const off = new AbortController();
  const waiting = [1, 2].map((work) => hosts.run('b', () => Promise.resolve(work), off.signal));
  off.abort(new Error('off'));
  for (const work of waiting) await expect(work).rejects.toThrow('off');
  held.resolve();
  await first;
  await expect(hosts.run('b', () => Promise.resolve(3), never)).resolves.toBe(3);
});
