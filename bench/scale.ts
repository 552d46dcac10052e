/**
 * `npm run bench -- scale`: mcpk's engine on 5 to 500 simulated hosts (scale/serve.sh says what is simulated), beside
 * `xargs -P16 ssh HOST sh <probe` with OpenSSH's client, the same key exchange and the same reads.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageInUse } from '../lab/image.ts';
import { CLONE } from '../lab/paths.ts';
import { capture } from '../lab/run.ts';
import { restoreSysctls, saveSysctls } from '../lab/sysctls.ts';
import { spread, type Spread } from './measure.ts';
import { comparable, type Shown } from './peers/comparable.ts';
import { drawPlot } from './plot.ts';
import { duration } from './report.ts';
import { startFleet, type SimulatedFleet } from './scale/fleet.ts';
import { addressOf } from './scale/inventory.ts';
import { probeScript } from './scale/probe-script.ts';
import { buildSubset, subset, subsetResult } from './subset/build.ts';
import type { SubsetResult } from './subset/main.ts';
import type { Options, Report, Table } from './types.ts';

const KINDS = ['file', 'directory', 'link', 'sysctl', 'user'];
/** A file of every host that no unit reads. */
const CHANGED = '/etc/modules-load.d/mcpk.conf';
const PICTURE = 'docs/scale.svg';

interface Figures {
  count: number;
  noop: Spread;
  changed: Spread;
  xargs: Spread;
  /** Of the last run with nothing to do. */
  cost: SubsetResult;
  resources: number;
}

export async function scale(options: Options): Promise<Report> {
  await buildSubset();
  const sysctls = join(CLONE, '.cache/bench/sysctls.json');
  await saveSysctls(sysctls);
  const all: Figures[] = [];
  try {
    for (const count of options.quick ? [5, 50] : [5, 50, 200, 500]) {
      options.note(`${String(count)} simulated hosts`);
      const fleet = await startFleet(await imageInUse(), count);
      try {
        all.push(await measure(fleet, count, options));
      } finally {
        await fleet.stop();
      }
    }
  } finally {
    await restoreSysctls(sysctls);
  }
  if (!options.quick) await writeFile(join(CLONE, PICTURE), picture(all));
  return {
    tables: tablesOf(all),
    notes: [
      'Simulated: a host is a network namespace with an address, a root of its own over the image of the lab and a real sshd (OpenSSH 10) in it. Not simulated, so not in these figures: systemd, its units and the packages that stages install; one kernel and the processors of this machine serve all hosts and the client.',
      `mcpk runs its engine on ${KINDS.join(', ')} resources of the real stages (three masters, the rest workers), without gates. xargs runs OpenSSH's client, 16 at once, with a script that reads the same paths, sums, settings and users.`,
      ...(options.quick ? [] : [`![How the time grows with the number of hosts](${PICTURE.split('/')[1] ?? ''})`]),
    ],
  };
}

async function measure(fleet: SimulatedFleet, count: number, { quick, rounds }: Options): Promise<Figures> {
  const { argv } = subset(fleet.inventory, 'bare', KINDS);
  const mcpk = async (wanted: number | undefined): Promise<{ seconds: number; result: SubsetResult }> => {
    const { seconds, stdout } = await inside(fleet, argv);
    const result = subsetResult({ code: 0, stdout, stderr: '' });
    if (result.failed.length > 0 || (wanted !== undefined && result.changed !== wanted))
      throw new Error(`mcpk changed ${String(result.changed)} of ${String(wanted)}: ${result.failed[0] ?? ''}`);
    return { seconds, result };
  };
  await mcpk(undefined);
  let last = await mcpk(0);
  const probe = await writeProbe(fleet);
  const times = { noop: [] as number[], changed: [] as number[], xargs: [] as number[] };
  for (let round = 0; round < (rounds ?? (quick ? 2 : 3)); round += 1) {
    last = await mcpk(0);
    times.noop.push(last.seconds);
    times.xargs.push((await inside(fleet, xargs(fleet, count, probe))).seconds);
    await fleet.spoil(CHANGED);
    times.changed.push((await mcpk(count)).seconds);
  }
  return {
    count,
    noop: spread(times.noop),
    changed: spread(times.changed),
    xargs: spread(times.xargs),
    cost: last.result,
    resources: last.result.unchanged,
  };
}

async function inside(fleet: SimulatedFleet, argv: readonly string[]): Promise<{ seconds: number; stdout: string }> {
  const started = performance.now();
  const said = await capture(fleet.inside(argv), { cwd: CLONE });
  if (said.code !== 0) throw new Error(`${argv.join(' ')}: exit ${String(said.code)}\n${said.stdout}${said.stderr}`);
  return { seconds: (performance.now() - started) / 1000, stdout: said.stdout };
}

function xargs({ sshConfig }: SimulatedFleet, count: number, probe: string): string[] {
  const hosts = Array.from({ length: count }, (_, number) => addressOf(number)).join('\n');
  const each = 'exec ssh -F "$1" "$3" sh <"$2"';
  const script = 'hosts=$1; shift; printf "%s\\n" "$hosts" | xargs -P16 -n1 sh -c "$@"';
  return ['sh', '-c', script, 'sh', hosts, each, 'sh', sshConfig, probe];
}

/** The reads of one worker; what a worker is does not depend on which one it is, but for the size of its /etc/hosts. */
async function writeProbe(fleet: SimulatedFleet): Promise<string> {
  const worker = 's4';
  const show = ['show', worker, '-i', fleet.inventory, '--limit', worker, '--json'];
  const { stdout } = await inside(fleet, [process.execPath, join(CLONE, 'bin/run.js'), ...show]);
  const shown = JSON.parse(stdout) as Shown;
  const wanted = shown.stages.map((stage) => ({
    ...stage,
    hosts: stage.hosts.map((states) => ({
      ...states,
      resources: states.resources.filter(({ kind }) => KINDS.includes(kind)),
    })),
  }));
  const work = comparable({ stages: wanted }, 'bare').hosts.get(worker);
  if (work === undefined) throw new Error(`${worker} has no states`);
  const file = join(CLONE, '.cache/bench/scale/probe.sh');
  await writeFile(file, probeScript(work));
  return file;
}

function tablesOf(all: readonly Figures[]): Table[] {
  const times = all.map(({ count, noop, changed, xargs, resources }) => [
    String(count),
    String(resources),
    range(noop),
    range(xargs),
    `${(noop.median / xargs.median).toFixed(2)} ×`,
    range(changed),
    `${(changed.median / noop.median).toFixed(2)} ×`,
  ]);
  const costs = all.map(({ count, cost }) => [
    String(count),
    `${cost.peakMegabytes.toFixed(0)} MB`,
    `${cost.cpuSeconds.toFixed(2)} s`,
    `${((cost.cpuSeconds / count) * 1000).toFixed(1)} ms`,
    `${cost.stallMs.toFixed(0)} ms`,
    String(cost.roundTrips),
    `${(cost.bytes / count / 1000).toFixed(1)} kB`,
  ]);
  return [
    {
      title: 'Simulated hosts, wall time of the whole process',
      head: ['hosts', 'resources', 'nothing to do', 'xargs -P16 ssh', 'ratio', 'one file changed', 'to nothing to do'],
      rows: times,
    },
    {
      title: 'What a run with nothing to do costs mcpk',
      head: ['hosts', 'peak memory', 'CPU', 'CPU a host', 'longest stall', 'round trips a host', 'bytes a host'],
      rows: costs,
    },
  ];
}

function range({ median, min, max }: Spread): string {
  return `${duration(median)} (${duration(min)}–${duration(max)})`;
}

function picture(all: readonly Figures[]): string {
  const line = (
    name: string,
    of: (figures: Figures) => Spread,
  ): { name: string; points: { x: number; y: number }[] } => ({
    name,
    points: all.map((figures) => ({ x: figures.count, y: of(figures).median })),
  });
  return drawPlot({
    title: 'Time of one run over simulated hosts',
    x: 'hosts',
    y: 'seconds',
    series: [
      line('xargs -P16 ssh, reads', (figures) => figures.xargs),
      line('mcpk, nothing to do', (figures) => figures.noop),
      line('mcpk, one file changed', (figures) => figures.changed),
    ],
  });
}
