import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastPassed, listed, notePassed } from '../../scripts/last-passed.ts';

let folder = '';
let record = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpk-passed-'));
  record = join(folder, 'cache', 'full-tier.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const [first, later] = [
  { at: '2026-11-29T08:15:59.000Z', commit: '0123456' },
  { at: '2026-11-30T09:00:00.000Z', commit: '89abcde+' },
];
const areas = {
  drift: { about: 'what others change', files: ['test/e2e/04-drift.test.ts'] },
  faults: { about: 'what breaks', files: ['test/faults/02-power.test.ts', 'test/faults/04-ssh.test.ts'] },
};

describe('when files of the full tier last passed', () => {
  it('is kept a file, with the commit: one that passes again takes the place of the time before', async () => {
    await notePassed(['a', 'b'], first, record);
    await notePassed(['b'], later, record);
    expect(await lastPassed(record)).toEqual({ a: first, b: later });
  });

  it('is not known without a record, nor by a broken one, which the next pass replaces', async () => {
    expect(await lastPassed(record)).toEqual({});
    await notePassed(['a'], first, record);
    await writeFile(record, '{"a":');
    expect(await lastPassed(record)).toEqual({});
    await notePassed(['b'], later, record);
    expect(await lastPassed(record)).toEqual({ b: later });
  });

  it('is listed by area, in UTC; what has a mark is explained', () => {
    const [drift = '', power = ''] = [...areas.drift.files, ...areas.faults.files];
    expect(listed(areas, { [drift]: first, [power]: later }).split('\n')).toEqual([
      'drift: what others change',
      '  test/e2e/04-drift.test.ts     passed 2026-11-29 08:15 UTC on 0123456',
      'faults: what breaks',
      '  test/faults/02-power.test.ts  passed 2026-11-30 09:00 UTC on 89abcde+',
      '  test/faults/04-ssh.test.ts    has not passed here yet',
      '',
      '+ with changes that were not committed',
    ]);
    expect(listed(areas, { [drift]: first })).not.toContain('+ with');
  });
});
