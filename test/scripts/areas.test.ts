import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AREAS } from '../../scripts/areas.ts';

const ROOT = join(import.meta.dirname, '../..');
const files = globSync('test/{e2e,faults}/*.test.ts', { cwd: ROOT });

it('each file on the lab belongs to one area', () => {
  expect(files.length).toBeGreaterThan(15);
  expect(
    Object.values(AREAS)
      .flatMap((area) => area.files)
      .toSorted(),
  ).toEqual(files.toSorted());
});

it.each(files)('%s says what it starts from', (file) => {
  expect(readFileSync(join(ROOT, file), 'utf8')).toMatch(/^ *startFrom\('(bare|ready|before)'|^scenesOf\(/m);
});
