/**
 * `npm run bench -- rolling`: one flag of the API servers changes on three masters, under the strict client of the
 * end-to-end tests; beside it what one API server needs to stop in good order and to be ready again.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { host } from '../lab/lab.ts';
import { CLONE } from '../lab/paths.ts';
import { underLoad, type Outcome } from '../test/e2e/support/under-load.ts';
import { applied, BRIDGE, inventoryFlags, settle, writeKubeconfig } from './mcpk.ts';
import { spread, timed } from './measure.ts';
import { spreadRow } from './report.ts';
import type { Options, Report } from './types.ts';

const MASTER = 'm1';

/** Prints the seconds since boot before the stop, after it, and once the API server is ready again. */
const RESTART = `
ready() { kubectl --kubeconfig /etc/kubernetes/admin/kubeconfig --server "https://$1:6443" get --raw /readyz >/dev/null 2>&1; }
now() { read -r up _ </proc/uptime; printf '%s ' "$up"; }
now
systemctl stop kube-apiserver.service || exit 1
now
systemctl start kube-apiserver.service || exit 1
until ready "$1"; do :; done
now`;

export async function rolling({ quick, rounds, note }: Options): Promise<Report> {
  await settle();
  await writeKubeconfig();
  const flag = await overlay();
  const rolls: number[] = [];
  const stops: number[] = [];
  const starts: number[] = [];
  const loads: Outcome[] = [];
  for (let round = 0; round < (rounds ?? (quick ? 1 : 3)); round += 1) {
    note(`one API server, stop and start (${String(round + 1)})`);
    const [stop, start] = await restartOne();
    stops.push(stop);
    starts.push(start);
    // Once with the flag, once without: each way is a roll.
    for (const inventories of [[...BRIDGE, flag], BRIDGE]) {
      note('a changed flag rolls over three masters');
      const argv = ['mcpk', 'apply', ...inventoryFlags(inventories), '--yes', '--json'];
      loads.push(await underLoad(async () => void rolls.push(await roll(argv))));
    }
  }
  const one = spread(stops.map((stop, index) => stop + (starts[index] ?? Number.NaN)));
  const all = spread(rolls);
  const failures = loads.flatMap((each) => each.failures);
  const requests = loads.reduce((sum, each) => sum + each.requests, 0);
  const turnedAway = loads.reduce((sum, each) => sum + each.turnedAway, 0);
  return {
    tables: [
      {
        title: 'One flag of the API server over three masters',
        head: ['', 'median', 'spread', 'runs', 'ratio'],
        rows: [
          spreadRow('one API server: graceful stop', spread(stops)),
          spreadRow('one API server: start to ready', spread(starts)),
          spreadRow('mcpk apply, whole process', all, `${(all.median / one.median).toFixed(2)} × both`),
        ],
      },
    ],
    notes: [
      `Under load meanwhile (20 requests a second at the VIP, 5 s timeout, no retry): ${String(requests)} requests, ${String(failures.length)} failed${failures.length > 0 ? `, first: ${failures[0] ?? ''}` : ''}, ${String(turnedAway)} sent again because an API server that stops turned them away unread (503, Retry-After).`,
    ],
  };
}

async function roll(argv: readonly string[]): Promise<number> {
  const { seconds, said } = await timed({ argv });
  const { stages } = applied(said);
  if (stages.find(({ name }) => name === 'api-server')?.status !== 'changed')
    throw new Error('the API servers were not rolled');
  return seconds;
}

async function restartOne(): Promise<[number, number]> {
  const said = await host(MASTER, ['sh', '-c', RESTART, 'sh', '10.77.0.11'], { timeout: 120_000 });
  const [before = 0, stopped = 0, ready = 0] = said.stdout.trim().split(' ').map(Number);
  if (said.code !== 0 || ready === 0) throw new Error(`${MASTER}: ${said.stdout}${said.stderr}`);
  await settle();
  return [stopped - before, ready - stopped];
}

async function overlay(): Promise<string> {
  const folder = join(CLONE, '.cache/bench');
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'flag.yaml');
  await writeFile(file, 'apiServer: {audit: {maxAge: 31}}\n');
  return file;
}
