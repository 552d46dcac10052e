import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FailureList, McpkError } from '../../../src/core/errors.ts';
import { turns } from '../../../src/engine/work/means.ts';
import { asErrors, runId } from '../../../src/engine/work/run-state.ts';

describe('what was thrown, as errors', () => {
  const one = new McpkError('gate', 'one');
  const two = new McpkError('unreachable', 'two');
  const aborted = new AbortController();
  aborted.abort();

  it.each<[string, unknown, McpkError[]]>([
    ['one of ours is itself', one, [one]],
    ['a list is its members, in order', new FailureList([two, one]), [two, one]],
  ])('%s', (_name, thrown, errors) => {
    const found = asErrors(thrown, 'etcd');
    expect(found).toHaveLength(errors.length);
    for (const [index, error] of errors.entries()) expect(found[index]).toBe(error);
  });

  it.each<[string, unknown, string, string]>([
    ['an abort is an interruption', aborted.signal.reason, 'interrupted', 'etcd: interrupted'],
    ['any other error is unexpected', new TypeError('x is no function'), 'unexpected', 'etcd: x is no function'],
    ['a thrown text is unexpected', 'words', 'unexpected', 'etcd: words'],
    ['nothing at all is unexpected', undefined, 'unexpected', 'etcd: undefined'],
  ])('%s', (_name, thrown, code, message) => {
    expect(asErrors(thrown, 'etcd')).toEqual([expect.objectContaining({ code, message })]);
  });

  it('the cause of an unexpected one is kept', () => {
    const cause = new TypeError('x');
    expect(asErrors(cause, 'etcd')[0]?.cause).toBe(cause);
  });
});

describe('the name of a run', () => {
  it('sorts by time, also within a second', () => {
    // Years of four digits: ISO 8601 writes others with a sign.
    const times = fc.date({ min: new Date('2000-01-01'), max: new Date('2999-01-01'), noInvalidDate: true });
    const apart = fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.nat());
    fc.assert(
      fc.property(times, apart, (a, ms) => {
        const b = new Date(a.getTime() + ms);
        fc.pre(b.getUTCFullYear() < 3000);
        // The last digit is by chance.
        const [first = '', second = ''] = [runId(a), runId(b)].map((id) => id.slice(0, -1));
        expect(Math.sign(ms)).toBe(first < second ? 1 : first > second ? -1 : 0);
      }),
    );
  });

  it('is fit for a file', () => {
    expect(runId(new Date('2026-11-22T11:34:05.123Z'))).toMatch(/^20261122T113405Z-[0-9a-f]{4}$/);
  });
});

describe('turns on a host', () => {
  const works = fc.array(
    fc.record({ host: fc.constantFrom('h1', 'h2', 'h3'), fails: fc.boolean(), ticks: fc.nat(5) }),
    { maxLength: 12 },
  );

  it('are one at a time, in the order in which they were asked for, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(works, async (asked) => {
        const turn = turns();
        const busy = new Set<string>();
        const started: number[] = [];
        const results = await Promise.allSettled(
          asked.map(({ host, fails, ticks }, index) =>
            turn(host, async () => {
              expect(busy.has(host), `two at once on ${host}`).toBe(false);
              busy.add(host);
              started.push(index);
              for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
              busy.delete(host);
              if (fails) throw new Error(`work ${String(index)}`);
              return index;
            }),
          ),
        );
        for (const name of ['h1', 'h2', 'h3']) {
          const mine = started.filter((index) => asked[index]?.host === name);
          expect(mine).toEqual(asked.flatMap(({ host }, index) => (host === name ? [index] : [])));
        }
        // Each asker gets the outcome of its own work.
        expect(
          results.map((each) => (each.status === 'fulfilled' ? each.value : (each.reason as Error).message)),
        ).toEqual(asked.map(({ fails }, index) => (fails ? `work ${String(index)}` : index)));
      }),
    );
  });

  it('do not wait for another host', async () => {
    const turn = turns();
    const gate = Promise.withResolvers<string>();
    const slow = turn('h1', () => gate.promise);
    expect(await turn('h2', () => Promise.resolve('done'))).toBe('done');
    gate.resolve('late');
    expect(await slow).toBe('late');
  });

  it('can be asked for again when all is done', async () => {
    const turn = turns();
    await expect(turn('h1', () => Promise.reject(new Error('broke')))).rejects.toThrow('broke');
    expect(await turn('h1', () => Promise.resolve(1))).toBe(1);
  });
});
