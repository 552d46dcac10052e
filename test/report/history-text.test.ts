import { describe, expect, it } from 'vitest';

import { parseJournal } from '../../src/engine/past/journal-lines.ts';
import { pastRuns } from '../../src/engine/past/past-runs.ts';
import { renderHistory, renderPastRun } from '../../src/report/history-text.ts';
import { PLAIN, type Theme } from '../../src/report/theme.ts';

const START = new Date(2026, 10, 22, 14, 2, 11).getTime();
const NOW = new Date(START + 600_000);

const lines = (run: string, at: number, events: readonly string[]): string =>
  events.map((event, index) => `${at + index * 1000} ${run} ${event}\n`).join('');
const RUN = 'run 17 root%40ops1 apply 9d3c11a0b52e7f04';
const done = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => [
    `begin system file%3A%2F${index}`,
    `done system file%3A%2F${index}`,
  ]).flat();

const RUNS = pastRuns(
  new Map([
    [
      'm1',
      {
        locked: false,
        lines: parseJournal(
          lines('20261122T125900Z-0c11', START - 86_400_000, [
            RUN,
            'stage system',
            ...done(10),
            'end system',
            'gate system passed all%20pass',
            'result succeeded 0',
          ]) +
            lines('20261122T130211Z-3f9a', START, [
              RUN,
              'stage etcd',
              'begin etcd file%3A%2Fa',
              'done etcd file%3A%2Fa',
              'begin etcd unit%3Aetcd.service',
              'failed etcd unit%3Aetcd.service',
              'step etcd undone move%20the%20leader',
              'result failed 15',
            ]),
        ),
      },
    ],
    [
      'm2',
      {
        locked: false,
        lines: parseJournal(
          lines('20261122T130211Z-3f9a', START, [RUN, 'stage etcd', 'begin etcd unit%3Aetcd.service']),
        ),
      },
    ],
  ]),
);

describe('the list of runs', () => {
  it('tells each in two lines, the latest last, unfinished hosts marked', () => {
    expect(renderHistory(RUNS, PLAIN, NOW)).toBe(
      [
        '✔ 20261122T125900Z-0c11  apply by root@ops1, 2026-11-21 14:02:11, 24.0 s',
        '    10 changed on m1',
        '✖ 20261122T130211Z-3f9a  apply by root@ops1, 14:02:11, 7.0 s: failed (exit 15)',
        '    1 changed on m1, m2; cut off in etcd at unit:etcd.service on m2',
        '',
      ].join('\n'),
    );
  });

  it('says that there is none', () => {
    expect(renderHistory([], PLAIN, NOW)).toBe('No run has changed these hosts.\n');
  });

  it.each([40, 60, 80])('is never wider than %i columns', (columns) => {
    const theme: Theme = { ...PLAIN, columns };
    const texts = [
      renderHistory(RUNS, theme, NOW),
      ...RUNS.map((run) => renderPastRun(run, theme, { verbose: true, now: NOW })),
    ];
    for (const line of texts.join('').split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  });
});

describe('one run', () => {
  const [first, second] = RUNS;

  it('is told host by host, in order, with what was not done', () => {
    expect(second && renderPastRun(second, PLAIN, { verbose: false, now: NOW })).toBe(
      [
        '✖ 20261122T130211Z-3f9a  apply by root@ops1, 14:02:11, 7.0 s: failed (exit 15)',
        '  plan 9d3c11a0b52e7f04',
        '',
        'm1  failed (exit 15), lock 17',
        '  14:02:12  etcd',
        '      file:/a',
        '      unit:etcd.service  ✖ failed',
        '  14:02:17  etcd: move the leader, undone',
        '',
        'm2  cut off, lock 17',
        '  14:02:12  etcd',
        '      unit:etcd.service  begun, not done',
        '',
      ].join('\n'),
    );
  });

  it('names a few of many, all of them when told so', () => {
    const short = first && renderPastRun(first, PLAIN, { verbose: false, now: NOW });
    expect(short).toContain(
      '      file:/6\n      … 3 more (--verbose names them)\n  2026-11-21 14:02:34  system: gate passed: all pass\n',
    );
    expect(first && renderPastRun(first, PLAIN, { verbose: true, now: NOW })).toContain('      file:/9\n  2026');
  });
});
