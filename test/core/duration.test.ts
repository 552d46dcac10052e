import { describe, expect, it } from 'vitest';

import { clockTime, parseDuration, span } from '../../src/core/duration.ts';

describe('a duration', () => {
  it.each([
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['0s', 0],
    ['', undefined],
    ['5', undefined],
    ['m', undefined],
    ['-5m', undefined],
    ['1.5h', undefined],
    ['5 m', undefined],
    ['1d', undefined],
    ['99999999m', undefined],
  ])('%j is %s ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    [-5, '0 s'],
    [59_400, '59 s'],
    [60_000, '1 min'],
    [3_599_000, '59 min'],
    [7_200_000, '2 h'],
    [7_500_000, '2 h 5 min'],
    [260_000_000, '3 days'],
  ])('of %i ms is told as %s', (ms, text) => {
    expect(span(ms)).toBe(text);
  });
});

it('a time of another day has its date', () => {
  const now = new Date(2026, 10, 22, 14, 2, 11);
  expect(clockTime(now, now)).toBe('14:02:11');
  expect(clockTime(new Date(2026, 10, 21, 4, 2, 1), now)).toBe('2026-11-21 04:02:01');
});
