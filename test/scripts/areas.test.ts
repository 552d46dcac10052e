import { globSync } from 'node:fs';
import { expect, it } from 'vitest';
import { AREAS, BRING_UP } from '../../scripts/areas.ts';

it('each file on the lab belongs to one area', () => {
  const files = globSync('test/{e2e,faults}/*.test.ts', { cwd: `${import.meta.dirname}/../..` });
  expect(files.length).toBeGreaterThan(15);
  expect([BRING_UP, ...Object.values(AREAS).flat()].toSorted()).toEqual(files.toSorted());
});
