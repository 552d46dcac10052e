import { expect, it } from 'vitest';
import { criticalPath } from '../../src/report/critical-path.ts';

const stage = (name: string, ms: number, needs: string[] = []): { name: string; ms: number; needs: string[] } => ({
  name,
  ms,
  needs,
});

it.each([
  {
    name: 'the longer of two branches',
    stages: [stage('a', 5), stage('b', 9), stage('c', 1, ['a', 'b'])],
    path: ['b', 'c'],
  },
  {
    name: 'a short stage behind a long one, not the longest stage alone',
    stages: [stage('a', 8), stage('b', 3, ['a']), stage('c', 10)],
    path: ['a', 'b'],
  },
  { name: 'a need that took no part in the run is passed over', stages: [stage('a', 1, ['gone'])], path: ['a'] },
  { name: 'nothing ran', stages: [], path: [] },
])('$name', ({ stages, path }) => {
  expect(criticalPath(stages).map((each) => each.name)).toEqual(path);
});
