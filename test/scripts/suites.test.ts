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
  expect(countOf('unit', report, 1)).toEqual({
    passed: 1,
    skipped: 0,
    failures: ['test/a.test.ts > a list is sorted', 'test/b.test.ts: did not load, or failed outside its tests'],
  });
});

it('takes a run that left no report, or ended badly with none of its tests failed, as one failure', () => {
  expect(countOf('e2e', undefined, 1).failures).toEqual(['e2e: the run broke off']);
  const passed = { numPassedTests: 3, numPendingTests: 2, testResults: [file('test/a.test.ts', 'passed')] };
  expect(countOf('e2e', passed, null).failures).toEqual(['e2e: the run broke off']);
  expect(countOf('e2e', passed, 0)).toEqual({ passed: 3, skipped: 2, failures: [] });
});
