import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isLocked } from '../../../src/engine/past/journals.ts';
import { noteLine, parseJournal } from '../../../src/engine/past/journal-lines.ts';
import { pastRuns } from '../../../src/engine/past/past-runs.ts';
import type { PastResult, PastRun } from '../../../src/engine/past/past-types.ts';

const START = 1_795_347_245_000;

/** Lines of one run, a second apart: `begin etcd unit%3Aetcd.service`. */
function journal(run: string, events: readonly string[], startsAt = START): string {
  return events.map((event, index) => `${startsAt + index * 1000} ${run} ${event}\n`).join('');
}

const RUN = 'run 17 root%40ops1 apply 9d3c';
const ONE = ['begin etcd file%3A%2Fetc%2Fa%20b', 'done etcd file%3A%2Fetc%2Fa%20b'];

function told(texts: Record<string, string>, locked: readonly string[] = []): PastRun[] {
  return pastRuns(
    new Map(
      Object.entries(texts).map(([host, text]) => [host, { lines: parseJournal(text), locked: locked.includes(host) }]),
    ),
  );
}

describe('the journal of a host', () => {
  const cases: {
    name: string;
    events: string[];
    locked?: boolean;
    result: PastResult;
    where?: string;
    changed: number;
  }[] = [
    {
      name: 'a run that came to its end',
      events: [RUN, 'stage etcd', ...ONE, 'end etcd', 'result succeeded 0'],
      result: 'succeeded',
      changed: 1,
    },
    {
      name: 'a run that failed',
      events: [RUN, 'stage etcd', 'begin etcd x', 'failed etcd x', 'result failed 15'],
      result: 'failed',
      changed: 0,
    },
    {
      name: 'a run that was cut off in the middle of a resource',
      events: [RUN, 'stage etcd', ...ONE, 'begin etcd unit%3Aetcd.service'],
      result: 'cut off',
      where: 'in etcd at unit:etcd.service',
      changed: 1,
    },
    {
      name: 'a run that was cut off before its first resource',
      events: [RUN, 'stage etcd'],
      result: 'cut off',
      where: 'in etcd',
      changed: 0,
    },
    {
      name: 'a run that was cut off between two stages',
      events: [RUN, 'stage etcd', ...ONE, 'end etcd', 'gate etcd passed healthy'],
      result: 'cut off',
      where: 'after etcd',
      changed: 1,
    },
    { name: 'a run that was cut off after its first line', events: [RUN], result: 'cut off', changed: 0 },
    {
      name: 'the last run of a host whose lock is held',
      events: [RUN, 'stage etcd'],
      locked: true,
      result: 'under way',
      where: 'in etcd',
      changed: 0,
    },
  ];
  it.each(cases)('tells of $name', ({ events, locked, result, where, changed }) => {
    const [run] = told({ m1: journal('R1', events) }, locked ? ['m1'] : []);
    expect(run).toMatchObject({ run: 'R1', who: 'root@ops1', command: 'apply', plan: '9d3c', result, changed });
    expect(run?.hosts[0]).toMatchObject({ fence: '17', endedAt: START + (events.length - 1) * 1000 });
    expect(run?.hosts[0]?.where).toBe(where);
  });

  it('keeps the runs apart; only the last one can be under way', () => {
    const text = journal('R1', [RUN, 'stage etcd']) + journal('R2', [RUN, 'stage etcd'], START + 60_000);
    expect(told({ m1: text }, ['m1']).map(({ run, result }) => `${run} ${result}`)).toEqual([
      'R1 cut off',
      'R2 under way',
    ]);
  });

  it('brings every word back, whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (words) => {
        const [line] = parseJournal(`${noteLine(START, 'R1', 'gate', words)}\n`);
        expect(line).toEqual({ at: START, run: 'R1', event: 'gate', words });
      }),
    );
  });

  it('takes words that are no Unicode', () => {
    expect(noteLine(START, 'R1', 'step', ['x', '\ud800'])).toBe(`${START} R1 step x %EF%BF%BD`);
  });

  it('is read though a power loss left half lines, NULs and lines of another form', () => {
    const text = `${journal('R1', [RUN, ...ONE])}\0\0\0\0\n17953472 R1 be\nstart R0 etcd m1 1795347\n${START} R1 done etcd %E0%A4%A\n`;
    expect(parseJournal(text).map((line) => line.event)).toEqual(['run', 'begin', 'done', 'done']);
  });
});

describe('the journals of several hosts', () => {
  it('make one run, from its first line to its last, with the worst end', () => {
    const [run, ...others] = told({
      m1: journal('R1', [RUN, 'stage etcd', ...ONE, 'end etcd', 'result failed 11']),
      m2: journal('R1', [RUN, 'stage etcd', ...ONE, 'begin etcd x'], START + 10_000),
    });
    expect(others).toEqual([]);
    expect(run).toMatchObject({
      result: 'failed',
      exitCode: 11,
      changed: 2,
      startedAt: START,
      endedAt: START + 14_000,
    });
    expect(run?.hosts.map(({ host, result }) => `${host} ${result}`)).toEqual(['m1 failed', 'm2 cut off']);
  });

  it('are in the order of the runs, the latest last', () => {
    const later = journal('R2', [RUN, 'result succeeded 0'], START + 5000);
    const earlier = journal('R1', [RUN, 'result succeeded 0']);
    expect(told({ m1: later, m2: earlier + later }).map(({ run }) => run)).toEqual(['R1', 'R2']);
  });
});

describe('the lock', () => {
  const answer = (stdout: string, exitCode = 0): { exitCode: number; stdout: string; stderr: string } => ({
    exitCode,
    stdout,
    stderr: '',
  });
  const locks = '1: POSIX  ADVISORY  WRITE 12 00:1a:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 4711 00:1a:23 0 EOF\n';
  it.each([
    ['23\n', true],
    ['77\n', false],
    ['3\n', false],
    ['231\n', false],
  ])('of inode %j is seen in /proc/locks: %s', (inode, held) => {
    expect(isLocked([answer(inode), answer(locks)])).toBe(held);
  });
  it('that is not there is not held', () => {
    expect(isLocked([answer('', 1), answer(locks)])).toBe(false);
  });
});
