import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseDuration } from '../../src/core/duration.ts';

it.each([
  ['0s', 0],
  ['30s', 30_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['300', 300_000],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', 's', '5 s', '-1s', '1.5m', '1e3s', '5M', '1h30m', '٣s', '5s\n', ' 5s', '99999999s', 'Infinitys'])(
  '%j is no time',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

it('gives a whole number of milliseconds or nothing, whatever the text', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[-+]?\d{1,8}[smhd]?$/));
  fc.assert(
    fc.property(text, (each) => {
      const ms = parseDuration(each);
      expect(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
    }),
  );
});
