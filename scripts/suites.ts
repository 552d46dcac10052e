import { mkdir, readFile, rm } from 'node:fs/promises';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run, tool } from './process.ts';

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
}

/** Runs one vitest project, shown as it goes, and gives back how many tests passed and failed. */
export async function runSuite(project: string, args: readonly string[] = []): Promise<Count> {
  const report = join(ROOT, '.cache', `vitest-${project}.json`);
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  await rm(report, { force: true });
  const argv = [tool('vitest'), 'run', '--project', project, '--reporter=default', '--reporter=json'];
  const { code } = await run([...argv, `--outputFile.json=${report}`, ...args], { inherit: true });
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const counts = JSON.parse(text) as VitestReport;
  // A file that does not load has no failed test of its own.
  const failed = code !== 0 && counts.numFailedTests === 0 ? 1 : counts.numFailedTests;
  return { passed: counts.numPassedTests, failed, skipped: counts.numPendingTests };
}

export async function hasTests(folder: string): Promise<boolean> {
  for await (const _ of glob(`test/${folder}/**/*.test.ts`, { cwd: ROOT })) return true;
  return false;
}
