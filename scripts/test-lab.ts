/** `npm run test:lab -- [-t NAME] [FILE…]`: the end-to-end suite and the faults; brings the lab up and leaves it up. */
import { labIsUp, whyNoLab } from './lab.ts';
import { runSuite } from './suites.ts';

const reason = whyNoLab();
if (reason !== undefined) {
  process.stdout.write(`✖ ${reason}\n`);
  process.exitCode = 1;
} else if (await labIsUp()) {
  const { failures } = await runSuite('e2e', ['--project', 'faults', ...process.argv.slice(2)]);
  process.exitCode = failures.length === 0 ? 0 : 1;
} else {
  process.exitCode = 1;
}
