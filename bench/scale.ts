/**
 * `npm run bench -- scale`: mcpk's engine on 5 to 500 simulated hosts (scale/serve.sh says what is simulated), beside
 * `xargs -P16 ssh HOST sh <probe` with OpenSSH's client, the same key exchange and the same reads.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageInUse } from '../lab/image.ts';
import { powerOff, powerOn } from '../lab/lab.ts';
import { CLONE } from '../lab/paths.ts';
import { lastLine } from '../src/core/answer.ts';
import { restoreSysctls, saveSysctls } from '../lab/sysctls.ts';
import { HOSTS } from '../lab/topology.ts';
import { startFleet } from './scale/fleet.ts';
import { KINDS, measure, type Figures } from './scale/measure.ts';
import { picture, tablesOf } from './scale/tables.ts';
import { buildSubset } from './subset/build.ts';
import type { Options, Report } from './types.ts';

const PICTURE = 'docs/scale.svg';

export async function scale(options: Options): Promise<Report> {
  await buildSubset();
  const sysctls = join(CLONE, '.cache/bench/sysctls.json');
  await saveSysctls(sysctls);
  const all: Figures[] = [];
  const failed: string[] = [];
  // Its cluster takes a tenth of the processors, and its kubelets look at all that is started on this machine.
  for (const { name } of HOSTS) await powerOff(name);
  try {
    for (const count of options.quick ? [5, 50] : [5, 50, 200, 500]) {
      options.note(`${String(count)} simulated hosts`);
      const fleet = await startFleet(await imageInUse(), count);
      try {
        all.push(await measure(fleet, count, options));
      } catch (error) {
        failed.push(`No figure for ${String(count)} hosts: ${lastLine(String(error)).slice(0, 300)}`);
      } finally {
        await fleet.stop();
      }
    }
  } finally {
    await restoreSysctls(sysctls);
    for (const { name } of HOSTS) await powerOn(name);
  }
  if (!options.quick) await writeFile(join(CLONE, PICTURE), picture(all));
  return {
    tables: tablesOf(all),
    notes: [
      ...failed,
      'Simulated: a host is a network namespace with an address, a root of its own over the image of the lab and a real sshd (OpenSSH 10) in it. Not simulated, so not in these figures: systemd, its units and the packages that stages install; one kernel and the processors of this machine serve all hosts and the client, which goes first (nice -10; so does ssh). The lab is off meanwhile.',
      `mcpk runs its engine on ${KINDS.join(', ')} resources of the real stages (three masters, the rest workers), without gates. xargs runs OpenSSH's client, 16 at once, with a script that reads the same paths, sums, settings and users.`,
      ...(options.quick ? [] : [`![How the time grows with the number of hosts](${PICTURE.split('/')[1] ?? ''})`]),
    ],
  };
}
