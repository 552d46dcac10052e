import { mkdir, readFile, rm } from 'node:fs/promises';
import { glob } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ROOT, run, tool } from './process.ts';

export interface Count {
  passed: number;
  skipped: number;
  /** What failed: the test's file and its name. */
  failures: readonly string[];
  /** Paths of test files of which something passed and nothing failed. */
  passedFiles: readonly string[];
}

interface VitestReport {
  numPassedTests: number;
  numPendingTests: number;
  testResults: readonly FileResult[];
}

interface FileResult {
  name: string;
  status: string;
  assertionResults: readonly { status: string; fullName: string }[];
}

/** What a report of vitest counts, and the names of what failed in it; a run that broke off without any is one failure. */
export function countOf(project: string, report: VitestReport | undefined, code: number | null): Count {
  const failures = (report?.testResults ?? []).flatMap(failuresOf);
  const brokeOff = failures.length === 0 && code !== 0;
  if (brokeOff) failures.push(`${project}: the run broke off`);
  const passedFiles = brokeOff
    ? []
    : (report?.testResults ?? []).filter(hasPassed).map(({ name }) => relative(ROOT, name));
  return { passed: report?.numPassedTests ?? 0, skipped: report?.numPendingTests ?? 0, failures, passedFiles };
}

function hasPassed({ status, assertionResults }: FileResult): boolean {
  return status === 'passed' && assertionResults.some((test) => test.status === 'passed');
}

function failuresOf(file: FileResult): string[] {
  const path = relative(ROOT, file.name);
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  // A file that does not load has no failed test of its own.
  if (failed.length === 0 && file.status === 'failed') return [`${path}: did not load, or failed outside its tests`];
  return failed.map((test) => `${path} > ${test.fullName}`);
}

/** Runs one vitest project, shown as it goes, and gives back how many tests passed and which failed. */
export async function runSuite(project: string, args: readonly string[] = []): Promise<Count> {
  const report = join(ROOT, '.cache', `vitest-${project}.json`);
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  await rm(report, { force: true });
  const argv = [tool('vitest'), 'run', '--project', project, '--reporter=default', '--reporter=json'];
  const { code } = await run([...argv, `--outputFile.json=${report}`, ...args], { inherit: true });
  const text = await readFile(report, 'utf8').catch(() => undefined);
  return countOf(project, text === undefined ? undefined : (JSON.parse(text) as VitestReport), code);
}

export async function hasTests(folder: string): Promise<boolean> {
  for await (const _ of glob(`test/${folder}/**/*.test.ts`, { cwd: ROOT })) return true;
  return false;
}
