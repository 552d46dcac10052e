/**
 * `npm run test:full -- AREA [-t NAME]`: all tests of an area, from bare hosts, also those that `npm test` leaves out.
 * `--list`: the areas, and when each file last passed as a whole.
 */
import { AREAS } from './areas.ts';
import { labIsUp, whyNoLab } from './lab.ts';
import { commitNow, lastPassed, listed, notePassed } from './last-passed.ts';
import { runSuite } from './suites.ts';

async function main([area = '', ...rest]: readonly string[]): Promise<number> {
  const files = AREAS[area]?.files;
  if (files === undefined) {
    const isAsked = area === '--list';
    if (!isAsked) process.stdout.write(`which area? npm run test:full -- AREA, with one of:\n\n`);
    process.stdout.write(`${listed(AREAS, await lastPassed())}\n`);
    return isAsked ? 0 : 64;
  }
  const reason = whyNoLab();
  if (reason !== undefined) {
    process.stdout.write(`✖ ${reason}\n`);
    return 1;
  }
  process.env['MCPK_TIER'] = 'full';
  const commit = await commitNow();
  if (!(await labIsUp({ bare: true }))) return 1;
  const { failures, passedFiles } = await runSuite('e2e', ['--project', 'faults', ...files, ...rest]);
  // With -t NAME only a part of each file ran.
  if (rest.length === 0) await notePassed(passedFiles, { at: new Date().toISOString(), commit });
  return failures.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
