/**
 * `npm run bench -- [--quick] [--rounds=N] [noop] [race] [race-scratch] [scale] [first-apply] [network] [rolling] [snapshot]
 * [removal] [restore] [upgrade] [reboots] [fetch] [power-on] [stalls]`: figures on the lab, as ratios measured in one run. They print as tables and go into docs, but for those of a quick run.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { up } from '../lab/lab.ts';
import { CLONE } from '../lab/paths.ts';
import { fetch } from './fetch.ts';
import { firstApply } from './first-apply.ts';
import { removal } from './removal.ts';
import { restore } from './restore.ts';
import { rolling } from './rolling.ts';
import { scale } from './scale.ts';
import { snapshot } from './snapshot.ts';
import { circumstances, WITHOUT_LAB } from './circumstances.ts';
import { stalls } from './stalls.ts';
import { reboots, upgrade } from './day2.ts';
import { network } from './network.ts';
import { noop } from './noop.ts';
import { powerOnToVerified } from './power-on.ts';
import { race } from './race.ts';
import { raceFromScratch } from './race-scratch.ts';
import { renderReport, replaceGenerated } from './report.ts';
import type { Bench, Options } from './types.ts';

const BENCHES: Readonly<Record<string, Bench>> = {
  noop,
  race,
  'race-scratch': raceFromScratch,
  scale,
  'first-apply': firstApply,
  network,
  rolling,
  snapshot,
  removal,
  restore,
  upgrade,
  reboots,
  fetch,
  stalls,
  'power-on': powerOnToVerified,
};
/** Minutes long, whatever the number of rounds. */
const LONG = [
  'race-scratch',
  'first-apply',
  'network',
  'removal',
  'restore',
  'upgrade',
  'reboots',
  'stalls',
  'power-on',
];
/** Where figures stand: those of a benchmark that is not named here in performance.md. */
const DOCUMENTS: Readonly<Record<string, string>> = { stalls: 'docs/reliability.md' };

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
  });
  const unknown = positionals.find((name) => !(name in BENCHES));
  if (unknown !== undefined)
    throw new Error(`there is no benchmark ${unknown}; there are ${Object.keys(BENCHES).join(', ')}`);
  const note = (text: string): void => void process.stderr.write(`… ${text}\n`);
  const options: Options = {
    quick: values.quick,
    ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
    note,
  };
  note('building mcpk');
  await promisify(execFile)(process.execPath, [join(CLONE, 'scripts/build.ts')]);
  const all = Object.keys(BENCHES).filter((name) => !options.quick || !LONG.includes(name));
  const asked = positionals.length > 0 ? positionals : all;
  if (!asked.every((name) => WITHOUT_LAB.includes(name))) await up();
  for (const name of asked) await one(name, options);
}

async function one(name: string, options: Options): Promise<void> {
  options.note(name);
  const report = await BENCHES[name]?.(options);
  if (report === undefined) return;
  const text = renderReport({ ...report, notes: [...report.notes, await circumstances(name, options)] });
  process.stdout.write(`${text}\n`);
  if (options.quick) return;
  const document = join(CLONE, DOCUMENTS[name] ?? 'docs/performance.md');
  await writeFile(document, replaceGenerated(await readFile(document, 'utf8'), name, text));
}

await main();
