/** `npm run test:full -- AREA [-t NAME]`: all tests of an area, from bare hosts, also those that `npm test` leaves out. */
import { AREAS } from './areas.ts';
import { labIsUp, whyNoLab } from './lab.ts';
import { runSuite } from './suites.ts';

process.env['MCPK_TIER'] = 'full';
const [area = '', ...rest] = process.argv.slice(2);
const files = AREAS[area];
const reason = whyNoLab();
if (files === undefined) {
  process.stdout.write(`which area? npm run test:full -- AREA, with one of:\n\n`);
  for (const [name, own] of Object.entries(AREAS)) process.stdout.write(`  ${name.padEnd(12)} ${own.join(' ')}\n`);
  process.exitCode = 64;
} else if (reason !== undefined) {
  process.stdout.write(`✖ ${reason}\n`);
  process.exitCode = 1;
} else if (await labIsUp({ bare: true })) {
  const { failures } = await runSuite('e2e', ['--project', 'faults', ...files, ...rest]);
  process.exitCode = failures.length === 0 ? 0 : 1;
} else {
  process.exitCode = 1;
}
