/**
 * `npm run bench -- power-on`: five hosts without power and disks; a job waits for them, brings the cluster up and
 * verifies it. Beside it the same apply on bare hosts that are up already.
 */
import { powerOn, reset, wipe } from '../lab/lab.ts';
import { HOSTS } from '../lab/topology.ts';
import { spread, timed } from './measure.ts';
import { apply, CALICO, inventoryFlags } from './mcpk.ts';
import { duration, spreadRow } from './report.ts';
import type { Options, Report } from './types.ts';

/** s, by which a job that waits for power may be later than an apply. */
const MOST_LATER_S = 10;

export async function powerOnToVerified({ quick, rounds, note }: Options): Promise<Report> {
  const first: number[] = [];
  const whole: number[] = [];
  for (let round = 0; round < (rounds ?? (quick ? 1 : 3)); round += 1) {
    await reset();
    first.push((await timed(apply(undefined, { inventories: CALICO }))).seconds);
    for (const { name } of HOSTS) await wipe(name);
    whole.push(await fromPower());
    note(`first apply ${duration(first.at(-1) ?? NaN)}, from power-on to verified ${duration(whole.at(-1) ?? NaN)}`);
  }
  const [applied, verified] = [spread(first), spread(whole)];
  const later = verified.median - applied.median;
  return {
    tables: [
      {
        title: 'From power-on of five bare hosts to a verified cluster',
        head: ['', 'median', 'spread', 'runs', 'later'],
        rows: [
          spreadRow('apply, the hosts are up', applied, ''),
          spreadRow('power-on, apply --wait-for-hosts, verify', verified, `${later.toFixed(1)} s`),
        ],
      },
    ],
    notes: [`At most ${String(MOST_LATER_S)} s later is what is to be reached.`],
  };
}

/** Seconds. */
async function fromPower(): Promise<number> {
  const waiting = ['mcpk', 'apply', ...inventoryFlags(CALICO), '--yes', '--wait-for-hosts', '5m'];
  const started = performance.now();
  await Promise.all([timed({ argv: waiting }), ...HOSTS.map(({ name }) => powerOn(name))]);
  await timed({ argv: ['mcpk', 'verify', ...inventoryFlags(CALICO)] });
  return (performance.now() - started) / 1000;
}
