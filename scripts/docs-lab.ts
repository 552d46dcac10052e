/**
 * `npm run docs:lab -- NAME…`: runs scenarios of pages of docs/ on the lab and records what they show into these
 * pages. Without NAME a list of them.
 */
import { PAGES } from '../test/e2e/scenarios/pages.ts';
import { labIsUp, whyNoLab } from './lab.ts';
import { runSuite } from './suites.ts';

/** The tests that carry out the scenarios of a page each. */
const SCENES = ['26-operations', '27-recovery', '31-upgrades'].map((name) => `test/e2e/${name}.test.ts`);

const sequences = PAGES.flatMap(({ sequences: own }) => Object.entries(own));
const wanted = process.argv.slice(2).map((name) => sequences.find(([own]) => own === name)?.[0]);
const reason = whyNoLab();
if (wanted.length === 0 || wanted.includes(undefined)) {
  process.stdout.write('which? npm run docs:lab -- NAME…, of:\n\n');
  for (const [name, scenarios] of sequences)
    process.stdout.write(`  ${name.padEnd(16)} ${scenarios.map((each) => each.name).join(', ')}\n`);
  process.exitCode = 64;
} else if (reason !== undefined) {
  process.stdout.write(`✖ ${reason}\n`);
  process.exitCode = 1;
} else if (await labIsUp()) {
  process.env['MCPK_RECORD'] = 'yes';
  const pattern = `^(${wanted.join('|')}) `;
  const { failures } = await runSuite('e2e', [...SCENES, '-t', pattern]);
  process.exitCode = failures.length === 0 ? 0 : 1;
} else {
  process.exitCode = 1;
}
