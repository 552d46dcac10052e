import { describe, expect, it } from 'vitest';
import { timelinePage, waitText } from '../../src/report/timeline-page.ts';
import type { Event } from '../../src/engine/types.ts';
import { EVENTS } from '../fixtures/run-events.ts';
import { longestWaits, timelineOf } from '../../src/report/timeline.ts';

describe('a timeline', () => {
  const timeline = timelineOf(EVENTS);

  it('has what came before the stages, each stage that ran, and the round trips of the run', () => {
    expect(timeline.groups.map(({ name }) => name)).toEqual(['reading', 'system', 'etcd', 'round trips']);
    expect(timeline.ms).toBe(900);
  });

  it('marks the chain of stages that made the run so long', () => {
    expect(timeline.groups.filter(({ critical }) => critical).map(({ name }) => name)).toEqual([
      'reading',
      'system',
      'etcd',
    ]);
  });

  it('lays every span where it was', () => {
    const spans = timeline.groups.flatMap((group) => group.spans);
    expect(spans.map(({ kind, host, start, end: last, failed }) => [kind, host, start, last, failed])).toEqual([
      ['connect', 'm1', 10, 80, false],
      ['round trip', 'm1', 90, 120, false],
      ['resource', 'm1', 380, 400, false],
      ['upload', 'm2', 450, 650, false],
      ['step', 'm1', 500, 600, false],
      ['gate', '', 650, 900, true],
      ['round trip', 'm1', 895, 900, false],
    ]);
  });

  it('has a lane for the critical path and one for each host, in which stages that overlap lie below each other', () => {
    const between: Event[] = [
      { at: 300, type: 'host-start', stage: 'system', host: 'm1', changes: 1 },
      { at: 520, type: 'host-end', stage: 'system', host: 'm1', status: 'changed', ms: 220 },
    ];
    const { lanes } = timelineOf([...EVENTS, ...between]);
    const drawn = lanes.map(({ host, rows, bars }) => [
      host,
      rows,
      bars.map(({ group, start, end, row }) => [group, start, end, row]),
    ]);
    expect(drawn).toEqual([
      [
        '',
        1,
        [
          ['reading', 10, 120, 0],
          ['system', 140, 440, 0],
          ['etcd', 440, 900, 0],
        ],
      ],
      [
        'm1',
        2,
        [
          ['reading', 10, 120, 0],
          ['system', 300, 520, 0],
          ['etcd', 500, 600, 1],
        ],
      ],
      ['m2', 1, [['etcd', 450, 650, 0]]],
    ]);
    expect(lanes[0]?.bars.map(({ failed }) => failed)).toEqual([false, false, true]);
  });

  it('folds what is short, unless it failed', () => {
    const resource = { type: 'resource' as const, stage: 'system', host: 'm1', verb: 'create' as const };
    const page = timelinePage(
      timelineOf([
        ...EVENTS,
        { at: 410, ...resource, ref: 'file:/etc/short', status: 'changed', ms: 49 },
        { at: 420, ...resource, ref: 'file:/etc/long', status: 'changed', ms: 50 },
        { at: 430, ...resource, ref: 'file:/etc/broken', status: 'failed', ms: 0 },
      ]),
    );
    const folded = /<details class="short">([\s\S]*?)<\/details>/g;
    expect([...page.matchAll(folded)].map(([, inner = '']) => /<span>(.*?)<\/span>/.exec(inner)?.[1])).toEqual([
      '1 round trip of less than 50 ms',
      '2 resources of less than 50 ms',
      '1 round trip of less than 50 ms',
    ]);
    const shown = page.replaceAll(folded, '');
    for (const [file, isShown] of [
      ['a', false],
      ['short', false],
      ['long', true],
      ['broken', true],
    ] as const)
      expect(shown.includes(`create file:/etc/${file}`), file).toBe(isShown);
  });

  it('names the longest waits, resources not among them', () => {
    expect(longestWaits(timeline, 3).map(waitText)).toEqual([
      '250 ms  gate  etcd: members are healthy',
      '200 ms  upload  etcd on m2: 2.0 MB of binaries',
      '100 ms  step  etcd on m1: move the leader',
    ]);
  });

  it('is a page that loads nothing and takes no text for markup', () => {
    const page = timelinePage(timeline);
    expect(page).not.toMatch(/<script|<link|src=|https?:/);
    expect(page).toContain('lab &lt;1&gt;');
    expect(page).not.toContain('<1>');
  });

  it('of a run that failed before anything happened is empty, not broken', () => {
    expect(timelineOf([])).toMatchObject({ groups: [], lanes: [] });
    expect(timelinePage(timelineOf([]))).toContain('<h1>');
  });
});
