/** `npm run bench -- [noop | first-apply]`: figures on the lab, as ratios measured in one run. */
import { up } from '../lab/lab.ts';
import { firstApply } from './first-apply.ts';
import { noop } from './noop.ts';

const BENCHES: Readonly<Record<string, () => Promise<string[]>>> = { 'first-apply': firstApply, noop };

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in BENCHES));
if (unknown !== undefined) {
  process.stderr.write(`there is no benchmark ${unknown}; there are ${Object.keys(BENCHES).join(', ')}\n`);
  process.exitCode = 64;
} else {
  await up();
  for (const [name, run] of Object.entries(BENCHES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    process.stdout.write(`${name}\n`);
    for (const line of await run()) process.stdout.write(`  ${line}\n`);
  }
}
