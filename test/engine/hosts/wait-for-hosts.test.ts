import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { McpkError } from '../../../src/core/errors.ts';
import { waitForHosts, type WaitOptions } from '../../../src/engine/hosts/wait-for-hosts.ts';
import type { Event } from '../../../src/engine/types.ts';

/** What a look at a host comes to: it is up, systemd starts it still, or why it is not reached. */
type Look = 'up' | 'starting' | McpkError;
/** By host; the last one is so from then on. */
type Looks = Record<string, [Look, ...Look[]]>;

const SECOND_MS = 20;

const away = (host: string, message = 'refused', again = 1): McpkError =>
  new McpkError('unreachable', `${host}: ${message}`, { host, again, hint: 'Look.' });
const noKey = new McpkError('unreachable', 'm1: no key to log in with', { host: 'm1', hint: 'Look.' });
const otherKey = (host: string): McpkError => new McpkError('hostKey', `${host}: another key`, { host, again: 1 });

class Waited {
  readonly events: Event[] = [];
  readonly looked: string[] = [];
  readonly open = new Set<string>();
  readonly #looks: Looks;
  readonly #abort = new AbortController();

  constructor(looks: Looks) {
    // What is looked at is taken out.
    this.#looks = Object.fromEntries(Object.entries(looks).map(([name, [first, ...rest]]) => [name, [first, ...rest]]));
  }

  async run(more: Partial<WaitOptions<{ name: string }>> = {}): Promise<Record<string, string>> {
    const left = await waitForHosts(
      Object.keys(this.#looks).map((name) => ({ name })),
      {
        limit: 10_000,
        concurrency: 32,
        reach: ({ name }) => this.#reach(name),
        signal: this.#abort.signal,
        emit: (event) => this.events.push(event),
        since: () => 0,
        secondMs: SECOND_MS,
        ...more,
      },
    );
    return Object.fromEntries([...left].map(([name, { message, hint = '' }]) => [name, `${message}. ${hint}`]));
  }

  abort(): void {
    this.#abort.abort(new McpkError('interrupted', 'interrupted'));
  }

  /** What was told of a host. */
  of(name: string): (string | undefined)[] {
    return this.events.flatMap((event) =>
      event.type === 'awaited' && event.host === name
        ? [event.why]
        : event.type === 'warning' && event.host === name
          ? [`! ${event.message}`]
          : [],
    );
  }

  #reach(name: string): ReturnType<WaitOptions<{ name: string }>['reach']> {
    this.looked.push(name);
    const looks = this.#looks[name]!;
    const look = looks.length > 1 ? looks.shift()! : looks[0];
    if (look instanceof McpkError) return Promise.reject(look);
    this.open.add(name);
    const stdout = look === 'up' ? 'running\n' : 'starting\n';
    return Promise.resolve({
      exec: () => Promise.resolve([{ exitCode: 0, stdout, stderr: '' }]),
      close: () => Promise.resolve(void this.open.delete(name)),
    });
  }
}

describe('hosts are waited for', () => {
  it.each<[what: string, looks: [Look, ...Look[]], told: (string | undefined)[]]>([
    ['that are up at once: nothing is said', ['up'], []],
    ['until they are up', [away('m1'), away('m1'), away('m1'), 'up'], ['m1: refused', undefined]],
    ['until systemd has started all of it', ['starting', 'starting', 'starting', 'up'], ['m1: systemd has not started all of it', undefined]], // prettier-ignore
    ['and each change is said', [away('m1', 'off', 2), away('m1', 'refused', 2), otherKey('m1'), otherKey('m1'), otherKey('m1'), 'up'], ['m1: off', 'm1: refused', 'm1: another key', undefined]], // prettier-ignore
  ])('%s', async (_what, looks, told) => {
    const waited = new Waited({ m1: looks });
    expect(await waited.run()).toEqual({});
    expect([waited.of('m1'), waited.open.size]).toEqual([told, 0]);
  });

  it.each<[what: string, looks: Looks, left: Record<string, string>, looked: number]>([
    ['one that never comes', { m1: ['up'], w1: [away('w1')] }, { w1: 'w1: refused. Look. mcpk waited 1 s for it (--wait-for-hosts).' }, 2], // prettier-ignore
    ['a wrong key', { m1: [otherKey('m1')] }, { m1: 'm1: another key. mcpk waited 1 s for it (--wait-for-hosts).' }, 2],
  ])('%s is told when the time is over', async (_what, looks, left, looked) => {
    const waited = new Waited(looks);
    expect(await waited.run({ limit: 600 })).toEqual(left);
    expect(waited.looked.length).toBeGreaterThan(looked);
  });

  it('what only a person can mend is not waited for', async () => {
    const waited = new Waited({ m1: [noKey] });
    expect(await waited.run()).toEqual({ m1: 'm1: no key to log in with. Look.' });
    expect([waited.looked, waited.of('m1')]).toEqual([['m1'], ['! m1: no key to log in with']]);
  });

  it('and ends the wait for the others, unless the run may go on without some', async () => {
    const waited = new Waited({ m1: [noKey], w1: [away('w1')], w2: ['up'] });
    expect(await waited.run()).toEqual({
      m1: 'm1: no key to log in with. Look.',
      w1: 'w1: refused. Look. It is waited for no longer, as another host will not come by itself.',
    });
    const patient = new Waited({ m1: [noKey], w1: [away('w1'), 'up'] });
    expect(await patient.run({ mayMiss: true })).toEqual({ m1: 'm1: no key to log in with. Look.' });
  });

  it('one that never says a word is told as such', async () => {
    const waited = new Waited({ m1: ['up'] });
    const reach = (_host: unknown, until: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => until.addEventListener('abort', () => reject(until.reason as Error)));
    expect((await waited.run({ limit: 50, reach }))['m1']).toContain('m1: no answer yet');
  });

  it('one that was up long ago is looked at again, as its installer may have rebooted', async () => {
    const late = Array.from({ length: 30 }, () => away('w1'));
    const waited = new Waited({
      m1: ['up', away('m1', 'off'), away('m1', 'off'), 'up'],
      w1: [away('w1'), ...late, 'up'],
    });
    expect(await waited.run()).toEqual({});
    expect([waited.of('m1').slice(0, 1), waited.looked.filter((name) => name === 'm1').length]).toEqual([
      ['m1: off'],
      4,
    ]);
  });

  it('keys are read again for another key alone; that they can not be is said once', async () => {
    let read = 0;
    const readAgain = (): Promise<void> => {
      read += 1;
      return Promise.reject(new McpkError('usage', 'the program ended with 1'));
    };
    const waited = new Waited({
      m1: [otherKey('m1'), otherKey('m1'), otherKey('m1'), 'up'],
      w1: [away('w1'), away('w1'), 'up'],
    });
    expect(await waited.run({ hostKeys: { readAgain } })).toEqual({});
    const warnings = waited.events.filter((event) => event.type === 'warning');
    expect([read, warnings.map(({ message }) => message)]).toEqual([3, ['the program ended with 1']]);
  });

  it('no more are looked at at a time than are allowed', async () => {
    let now = 0;
    let most = 0;
    const names = Array.from({ length: 9 }, (_, index) => `w${String(index)}`);
    const waited = new Waited(Object.fromEntries(names.map((name) => [name, ['up']])));
    const reach = async (): ReturnType<WaitOptions<object & { name: string }>['reach']> => {
      most = Math.max(most, (now += 1));
      await delay(2);
      return { exec: () => Promise.resolve([]), close: () => Promise.resolve(void (now -= 1)) };
    };
    expect(await waited.run({ concurrency: 3, reach })).toEqual({});
    expect(most).toBe(3);
  });

  it('an interrupt ends it, and what was open is closed before', async () => {
    const waited = new Waited({ m1: ['starting'], w1: [away('w1')] });
    const end = waited.run().catch((error: unknown) => error);
    await delay(SECOND_MS * 3);
    waited.abort();
    expect(await end).toMatchObject({ code: 'interrupted' });
    expect(waited.open.size).toBe(0);
  });

  it('a fault of ours is no reason to wait', async () => {
    const waited = new Waited({ m1: ['up'] });
    await expect(waited.run({ reach: () => Promise.reject(new TypeError('a fault')) })).rejects.toThrow('a fault');
  });
});
