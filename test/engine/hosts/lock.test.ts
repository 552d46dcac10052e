import { setTimeout as delay } from 'node:timers/promises';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { McpkError } from '../../../src/core/errors.ts';
import { underLock, type LockOptions } from '../../../src/engine/hosts/lock.ts';
import type { Event } from '../../../src/engine/types.ts';
import type { LockHolder, Session } from '../../../src/transport/types.ts';

/** Hosts whose lock one run has, or none. */
type Hosts = Map<string, string | undefined>;

const hostsOf = (...names: string[]): Hosts => new Map(names.map((name) => [name, undefined]));

/** A session as lock.ts uses it; each answer takes a moment, as on a network. */
function sessionOf(hosts: Hosts, host: string, who: string): Session {
  const ask = async (): Promise<LockHolder | undefined> => {
    await delay(Math.random() * 3);
    const holder = hosts.get(host) ?? who;
    if (holder !== who) return { who: holder, forMs: 1000 };
    hosts.set(host, who);
    return undefined;
  };
  let last = ask();
  const session: Partial<Session> = {
    host,
    lockHolder: () => last,
    takeLock: () => (last = ask()),
    giveLock: () => {
      if (hosts.get(host) === who) hosts.set(host, undefined);
    },
  };
  return session as Session;
}

interface Runner {
  who: string;
  order: readonly string[];
  waitMs?: number;
}

function optionsOf(hosts: Hosts, { who, order, waitMs = 0 }: Runner, events: Event[] = []): LockOptions {
  return {
    sessions: new Map(order.map((host) => [host, sessionOf(hosts, host, who)])),
    arbiter: order[0] ?? '',
    waitMs,
    signal: new AbortController().signal,
    emit: (event) => events.push(event),
    since: () => 0,
    pace: { graceMs: 60, pollMs: 2 },
  };
}

/** As a run does it: under the locks of all hosts it works for a moment, and ends. */
async function run(hosts: Hosts, runner: Runner): Promise<'ran' | 'locked'> {
  const options = optionsOf(hosts, runner);
  try {
    await underLock(options, () => Promise.resolve());
    for (const host of runner.order) expect(hosts.get(host)).toBe(runner.who);
    await delay(5);
    return 'ran';
  } catch (error) {
    expect(error).toMatchObject({ code: 'locked', exitCode: 13 });
    return 'locked';
  } finally {
    for (const session of options.sessions.values()) session.giveLock();
  }
}

describe('locks', () => {
  it('that are free cost no second look', async () => {
    let looks = 0;
    await underLock(optionsOf(hostsOf('m1', 'm2'), { who: 'a', order: ['m1', 'm2'] }), async () => (looks += 1));
    expect(looks).toBe(1);
  });

  it('that another run holds are refused with its name, and those that were free are given back', async () => {
    const hosts = hostsOf('m1', 'm2', 'm3');
    hosts.set('m1', 'bob@laptop pid 3, apply').set('m3', 'cy@ops pid 9, rollback');
    const options = optionsOf(hosts, { who: 'a', order: ['m1', 'm2', 'm3'] });
    const error = await underLock(options, () => Promise.resolve()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(McpkError);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^m1: locked by bob@laptop pid 3, apply since .* \(1 s\)$/) as string,
      details: [expect.stringMatching(/^m3: cy@ops pid 9, rollback since /) as string],
    });
    expect(hosts.get('m2')).toBeUndefined();
  });

  it('are waited for, saying for whom, and what was read before is read anew', async () => {
    const hosts = hostsOf('m1', 'm2');
    hosts.set('m1', 'bob');
    const events: Event[] = [];
    const looks: (string | undefined)[] = [];
    const waiting = underLock(optionsOf(hosts, { who: 'a', order: ['m1', 'm2'], waitMs: 10_000 }, events), async () =>
      looks.push(hosts.get('m1')),
    );
    await delay(30);
    // Who waits holds nothing.
    expect(hosts.get('m2')).toBeUndefined();
    hosts.set('m1', undefined);
    await waiting;
    expect(looks).toEqual(['bob', 'a']);
    expect(events.flatMap((event) => (event.type === 'warning' ? [`${event.host}: ${event.message}`] : []))).toEqual([
      expect.stringMatching(/^m1: waits up to 10 s for bob since /),
    ]);
  });

  it('that stay taken end the waiting in time', async () => {
    const hosts = hostsOf('m1', 'm2');
    hosts.set('m2', 'bob');
    expect(await run(hosts, { who: 'a', order: ['m1', 'm2'], waitMs: 150 })).toBe('locked');
    expect(hosts.get('m1')).toBeUndefined();
  });

  it('of runs that start together: one runs, whoever waits runs after it, all end', async () => {
    const order = ['m1', 'm2', 'm3', 'w1'];
    const runner = fc.record({
      waits: fc.boolean(),
      hosts: fc.subarray(order.slice(1)),
      startsAt: fc.nat({ max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(runner, { minLength: 2, maxLength: 4 }), async (runners) => {
        const hosts = hostsOf(...order);
        const results = await Promise.all(
          runners.map(async ({ waits, hosts: others, startsAt }, index) => {
            await delay(startsAt);
            return run(hosts, { who: `run ${index}`, order: ['m1', ...others], waitMs: waits ? 5000 : 0 });
          }),
        );
        expect(results).toContain('ran');
        for (const [index, { waits }] of runners.entries()) if (waits) expect(results[index]).toBe('ran');
        expect([...hosts.values()].filter(Boolean)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it('never lock two runs up that see the hosts in another order', async () => {
    const hosts = hostsOf('m1', 'm2');
    const results = await Promise.all([
      run(hosts, { who: 'a', order: ['m1', 'm2'], waitMs: 5000 }),
      run(hosts, { who: 'b', order: ['m2', 'm1'], waitMs: 5000 }),
    ]);
    expect(results).toEqual(['ran', 'ran']);
  });
});
