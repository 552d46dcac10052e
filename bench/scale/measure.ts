/** mcpk and OpenSSH's client on one fleet of simulated hosts, in turn. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CLONE } from '../../lab/paths.ts';
import { capture } from '../../lab/run.ts';
import { spread, type Spread } from '../measure.ts';
import { comparable, type Shown } from '../peers/comparable.ts';
import { subset, subsetResult } from '../subset/build.ts';
import type { SubsetResult } from '../subset/main.ts';
import type { Options } from '../types.ts';
import type { SimulatedFleet } from './fleet.ts';
import { addressOf } from './inventory.ts';
import { probeScript } from './probe-script.ts';

/** What needs neither systemd nor packages: a sysctl of the network is changed under systemd's timer. */
export const KINDS = ['file', 'directory', 'link', 'user'];
/** A file of every host that no unit reads. */
const CHANGED = '/etc/modules-load.d/mcpk.conf';

export interface Figures {
  count: number;
  noop: Spread;
  changed: Spread;
  xargs: Spread;
  /** Of the last run with nothing to do. */
  cost: SubsetResult;
  resources: number;
}

export async function measure(fleet: SimulatedFleet, count: number, { quick, rounds }: Options): Promise<Figures> {
  const { argv } = subset([fleet.inventory], 'bare', KINDS);
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

/**
 * The operator's side goes before the hosts' on the processors that they share: hosts of their own would not take it
 * from mcpk or ssh either.
 */
const FIRST = ['nice', '-n', '-10'];

async function inside(fleet: SimulatedFleet, argv: readonly string[]): Promise<{ seconds: number; stdout: string }> {
  const started = performance.now();
  const said = await capture(fleet.inside([...FIRST, ...argv]), { cwd: CLONE });
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
