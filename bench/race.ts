/**
 * `npm run bench -- race`: the same resources by mcpk, Ansible, Ansible with Mitogen and pyinfra, in turn, on the same
 * five hosts of a full cluster: nothing to change, and one file changed on every host.
 */
import { HOSTS } from '../lab/topology.ts';
import { FLOOR } from './floor.ts';
import { apply, settle } from './mcpk.ts';
import { interleaved } from './measure.ts';
import { sharedFile, type Shown } from './peers/comparable.ts';
import { peers, type Peers } from './peers/contestants.ts';
import { addPython, removePython } from './peers/install.ts';
import { spoiled } from './peers/proof.ts';
import { counts, FLOOR_NAME, prepare, table, withPeers } from './peers/race.ts';
import { failures } from './report.ts';
import type { Options, Report } from './types.ts';

const MCPK = 'mcpk apply, full cluster';

/** Nothing to change and one file changed. */
export async function race(options: Options): Promise<Report> {
  return withPeers(options, onCluster);
}

/** Nothing to change, and one file changed, on the full cluster. */
async function onCluster(tools: Peers, options: Options): Promise<Report> {
  await settle();
  const { shown, compared } = await prepare('running');
  options.note('laying Python onto the hosts for Ansible');
  try {
    await addPython();
    const counted = options.rounds ?? (options.quick ? 1 : 5);
    const warm = options.quick ? 0 : 1;
    const others = await peers(tools, 'nothing');
    options.note(`nothing to change, ${String(counted)} rounds`);
    const noop = await interleaved(
      { warm, counted },
      { [FLOOR_NAME]: FLOOR, [MCPK]: apply(0), ...others },
      options.note,
    );
    const path = sharedFile(shown, compared);
    options.note(`${path} changed on every host, ${String(counted)} rounds`);
    const drifted = await interleaved(
      { warm: 0, counted },
      {
        [FLOOR_NAME]: FLOOR,
        [MCPK]: spoiled(apply(HOSTS.length), path, compared),
        ...mapValues(await peers(tools, 'something'), (each) => spoiled(each, path, compared)),
      },
      options.note,
    );
    return {
      tables: [
        table('Nothing to change', noop, MCPK),
        table(`One file changed on every host (${path})`, drifted, MCPK),
      ],
      notes: [
        `The peers converge ${counts(compared)}; mcpk all ${String(total(shown))} resources and its gates besides.`,
        ...[...compared.leftOut].map(([why, count]) => `Left to mcpk alone: ${String(count)} × ${why}.`),
        'Left out for the peers: what is restarted or reloaded after which file, validation of files, held packages, strangers in folders.',
        ...failures(noop),
        ...failures(drifted),
      ],
    };
  } finally {
    await removePython();
  }
}

function mapValues<T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

function total(shown: Shown): number {
  return shown.stages.flatMap((stage) => stage.hosts.flatMap(({ resources }) => resources)).length;
}
