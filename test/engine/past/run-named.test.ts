import { describe, expect, it } from 'vitest';
import { runNamed } from '../../../src/engine/past/run-named.ts';

const RUNS = ['20261122T140211Z-3f9a', '20261123T090000Z-b3f9', '20261123T090000Z-b3f9-back', '20261124T090000Z-ab3f9'];

describe('a run that a user names', () => {
  it.each([
    ['by its whole name', RUNS[0], RUNS[0]],
    ['by its last characters', '3f9a', RUNS[0]],
    ['by a name that others end with, too', 'ab3f9', RUNS[3]],
    ['by what none ends with', '9999', undefined],
    ['by nothing', '', undefined],
  ])('%s', (_how, wanted = '', run) => {
    expect(runNamed(wanted, [...RUNS, ...RUNS])).toBe(run);
  });

  it('must be one', () => {
    expect(() => runNamed('b3f9', RUNS)).toThrow(
      expect.objectContaining({ code: 'refused', hint: `Say which: ${RUNS[1]}, ${RUNS[3]}.` }),
    );
  });
});
