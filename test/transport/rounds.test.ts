import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { McpkError } from '../../src/core/errors.ts';
import { Allowance } from '../../src/transport/allowance.ts';
import { Limit } from '../../src/core/limit.ts';
import { Rounds } from '../../src/transport/rounds.ts';

/** Hosts whose reads stand in line, and what each was sent, round by round. */
function hosts(count: number, atOnce: number): { rounds: Rounds; sent: string[][] }[] {
  const inLine = { ops: ['read'], limit: new Limit(atOnce) };
  return Array.from({ length: count }, (_, number) => {
    const sent: string[][] = [];
    const rounds = new Rounds({
      host: `h${String(number)}`,
      send: (requests) => sent.push(requests.map(({ op }) => op)),
      stop: () => undefined,
      destroy: () => undefined,
      watchOver: () => () => undefined,
      inLine,
    });
    return { rounds, sent };
  });
}

function ask(rounds: Rounds, op: string, signal?: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    rounds.add({
      op,
      body: Buffer.alloc(0),
      allowance: new Allowance('h', op),
      limitMs: 1000,
      onRecord: () => undefined,
      signal,
      resolve,
      reject,
    });
  });
}

/** Two: one in which the rounds are made, one for who gets a place. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await nextTurn();
}

test('no more than the limit read at once; who stands in line takes along what is asked meanwhile', async () => {
  const all = hosts(3, 2);
  const answers = all.map(({ rounds }) => ask(rounds, 'read'));
  await turns();
  expect(all.map(({ sent }) => sent)).toEqual([[['read']], [['read']], []]);
  const gate = ask(all[2]?.rounds as Rounds, 'ask');
  await turns();
  expect(all[2]?.sent).toEqual([]);
  all[0]?.rounds.done(0);
  await turns();
  expect(all[2]?.sent).toEqual([['read', 'ask']]);
  all[1]?.rounds.done(0);
  all[2]?.rounds.done(0);
  all[2]?.rounds.done(0);
  expect(await Promise.all([...answers, gate])).toEqual([0, 0, 0, 0]);
});

test('other rounds wait for nobody', async () => {
  const [first, second] = hosts(2, 1);
  void ask(first?.rounds as Rounds, 'read');
  void ask(second?.rounds as Rounds, 'ask');
  await turns();
  expect([first?.sent, second?.sent]).toEqual([[['read']], [['ask']]]);
});

test('who is called off in line leaves, and takes no place', async () => {
  const [first, second, third] = hosts(3, 1);
  const off = new AbortController();
  const read = ask(first?.rounds as Rounds, 'read');
  await turns();
  const aborted = ask(second?.rounds as Rounds, 'read', off.signal);
  const last = ask(third?.rounds as Rounds, 'read');
  await turns();
  off.abort();
  await expect(aborted).rejects.toThrow('interrupted');
  first?.rounds.done(0);
  await turns();
  expect([second?.sent, third?.sent]).toEqual([[], [['read']]]);
  third?.rounds.done(0);
  expect(await Promise.all([read, last])).toEqual([0, 0]);
});

test('a host that is lost frees its place, in line too', async () => {
  const [first, second, third] = hosts(3, 1);
  const lost = new McpkError('unreachable', 'gone');
  const reads = [first, second, third].map((host) => ask(host?.rounds as Rounds, 'read'));
  const failed = Promise.all(reads.slice(0, 2).map((read) => expect(read).rejects.toBe(lost)));
  await turns();
  second?.rounds.fail(lost);
  first?.rounds.fail(lost);
  await failed;
  await turns();
  expect([second?.sent, third?.sent]).toEqual([[], [['read']]]);
  third?.rounds.done(0);
  expect(await reads[2]).toBe(0);
});
