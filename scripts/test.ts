/**
 * `npm test`: types, lint, rooms, shellcheck, unit, the scripts of the hosts, transport, the package, and on the lab the
 * end-to-end suite and the faults, without what only `npm run test:full -- AREA` runs.
 * The last line is `N passed, N failed`; it is kept in .cache/test-summary for .ci/run.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LINT, TYPES, perform } from './checks.ts';
import { ensureChromium, ensureShellcheck, ensureSshd, ensureStrace } from './debian.ts';
import { FETCH_LOG, fetchForLab, labIsUp, whyNoLab } from './lab.ts';
import { ROOT } from './process.ts';
import { hasTests, runSuite } from './suites.ts';

const total = { passed: 0, failed: 0 };

function add(count: { passed: number; failed: number }): void {
  total.passed += count.passed;
  total.failed += count.failed;
}

async function lab(reason: string | undefined): Promise<void> {
  if (reason === undefined) {
    if (await labIsUp()) for (const suite of ['e2e', 'faults']) add(await runSuite(suite));
    else add({ passed: 0, failed: 1 });
    return;
  }
  const required = process.env['MCPK_LAB'] === 'required';
  process.stdout.write(`${required ? '✖' : '-'} end-to-end tests skipped: ${reason}\n`);
  if (required) add({ passed: 0, failed: 1 });
}

process.env['MCPK_TIER'] = 'ci';
await ensureShellcheck();
await ensureStrace();
await ensureSshd();
await ensureChromium();
const noLab = whyNoLab();
// With an empty cache a quarter of an hour of building: it takes what the tests before the lab leave of the processors.
const fetched = noLab === undefined ? fetchForLab() : undefined;
for (const check of [TYPES, ...LINT]) add((await perform(check)) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
add(await runSuite('unit'));
for (const suite of ['host-scripts', 'transport', 'hostile', 'package'])
  if (await hasTests(suite)) add(await runSuite(suite));
if (fetched) process.stdout.write(`Getting what the lab is made of (${FETCH_LOG}) …\n`);
await fetched;
await lab(noLab);

const line = `${total.passed} passed, ${total.failed} failed`;
await mkdir(join(ROOT, '.cache'), { recursive: true });
await writeFile(join(ROOT, '.cache', 'test-summary'), `${line}\n`);
process.stdout.write(`\n${line}\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
