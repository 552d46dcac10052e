import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../scripts/process.ts';
import { countOf } from '../../scripts/suites.ts';

const file = (name: string, status: string, tests: readonly [status: string, fullName: string][] = []) => ({
  name: join(ROOT, name),
  status,
  assertionResults: tests.map(([outcome, fullName]) => ({ status: outcome, fullName })),
});

it('names what failed: a test, and a file that did not load', () => {
  const mixed = file('test/a.test.ts', 'failed', [
    ['passed', 'adds'],
    ['failed', 'a list is sorted'],
  ]);
  const report = { numPassedTests: 1, numPendingTests: 0, testResults: [mixed, file('test/b.test.ts', 'failed')] };
  expect(countOf('unit', report, 1)).toMatchObject({
    passed: 1,
    skipped: 0,
    failures: ['test/a.test.ts > a list is sorted', 'test/b.test.ts: did not load, or failed outside its tests'],
  });
});

it('takes a run that left no report, or ended badly with none of its tests failed, as one failure', () => {
  expect(countOf('e2e', undefined, 1).failures).toEqual(['e2e: the run broke off']);
  const passed = { numPassedTests: 3, numPendingTests: 2, testResults: [file('test/a.test.ts', 'passed')] };
  expect(countOf('e2e', passed, null).failures).toEqual(['e2e: the run broke off']);
  expect(countOf('e2e', passed, 0)).toMatchObject({ passed: 3, skipped: 2, failures: [] });
});

it('names the files that passed: of one that was left out as a whole nothing is known', () => {
  const testResults = [
    file('test/a.test.ts', 'passed', [['passed', 'adds'], ['pending', 'takes long']]), // prettier-ignore
    file('test/b.test.ts', 'passed', [['pending', 'takes long']]),
    file('test/c.test.ts', 'failed', [['passed', 'adds'], ['failed', 'takes away']]), // prettier-ignore
  ];
  const report = { numPassedTests: 2, numPendingTests: 2, testResults };
  expect(countOf('e2e', report, 1).passedFiles).toEqual(['test/a.test.ts']);
  const brokeOff = { ...report, testResults: testResults.slice(0, 1) };
  expect(countOf('e2e', brokeOff, 1).passedFiles).toEqual([]);
});
