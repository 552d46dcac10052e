import { describe, expect, it } from 'vitest';
import { timelinePage, waitText } from '../../src/report/timeline-page.ts';
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
    expect(timelineOf([]).groups).toEqual([]);
    expect(timelinePage(timelineOf([]))).toContain('<h1>');
  });
});
