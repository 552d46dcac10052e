/**
 * `npm test`: types, lint, rooms, shellcheck, unit, the scripts of the hosts, transport, the package, and on the lab the
 * end-to-end suite and the faults, without what only `npm run test:full -- AREA` runs.
 * It ends with the name of each failure and the line `N passed, N failed`, which is kept in .cache/test-summary for .ci/run.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LINT, TYPES, perform } from './checks.ts';
import { ensureChromium, ensureReaders, ensureShellcheck, ensureSshd, ensureStrace } from './debian.ts';
import { FETCH_LOG, fetchForLab, labIsUp, whyNoLab } from './lab.ts';
import { ROOT } from './process.ts';
import { hasTests, runSuite } from './suites.ts';

let passed = 0;
const failures: string[] = [];

function add(count: { passed: number; failures: readonly string[] }): void {
  passed += count.passed;
  failures.push(...count.failures);
}

const succeeded = { passed: 1, failures: [] };
const failedAs = (name: string) => ({ passed: 0, failures: [name] });

async function lab(reason: string | undefined): Promise<void> {
  if (reason === undefined) {
    if (await labIsUp()) for (const suite of ['e2e', 'faults']) add(await runSuite(suite));
    else add(failedAs('lab: did not come up'));
    return;
  }
  const required = process.env['MCPK_LAB'] === 'required';
  process.stdout.write(`${required ? '✖' : '-'} end-to-end tests skipped: ${reason}\n`);
  if (required) add(failedAs(`lab: ${reason}`));
}

process.env['MCPK_TIER'] = 'ci';
await ensureShellcheck();
await ensureStrace();
await ensureSshd();
await ensureReaders();
await ensureChromium();
const noLab = whyNoLab();
// With an empty cache a quarter of an hour of building: it takes what the tests before the lab leave of the processors.
const fetched = noLab === undefined ? fetchForLab() : undefined;
for (const check of [TYPES, ...LINT]) add((await perform(check)) ? succeeded : failedAs(`check: ${check.name}`));
add(await runSuite('unit'));
for (const suite of ['host-scripts', 'transport', 'hostile', 'package'])
  if (await hasTests(suite)) add(await runSuite(suite));
if (fetched) process.stdout.write(`Getting what the lab is made of (${FETCH_LOG}) …\n`);
await fetched;
await lab(noLab);

const line = `${passed} passed, ${failures.length} failed`;
await mkdir(join(ROOT, '.cache'), { recursive: true });
await writeFile(join(ROOT, '.cache', 'test-summary'), `${line}\n`);
// The output is long, and often only its end is kept: what failed is told there once more.
process.stdout.write(`\n${failures.map((name) => `✖ ${name}\n`).join('')}${line}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
