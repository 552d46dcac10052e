/**
 * `npm run bench -- upgrade` and `-- reboots`: what takes the longest on a cluster that stands, beside scripts that do
 * the same without a check (plain/).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exec } from '../lab/lab.ts';
import { SSH_CONFIG } from '../lab/keys.ts';
import { artifactDirectory, CLONE } from '../lab/paths.ts';
import { HOSTS } from '../lab/topology.ts';
import { DEFAULT_VERSIONS } from '../lab/versions.ts';
import { withFirmware } from '../test/e2e/support/firmware.ts';
import { allNodesReady, overlay } from '../test/e2e/support/mcpk.ts';
import { bringLab } from '../test/e2e/support/start-from.ts';
import { spread, timed, type Spread } from './measure.ts';
import { CALICO, inventoryFlags } from './mcpk.ts';
import { duration, spreadRow } from './report.ts';
import type { Options, Report } from './types.ts';

const plain = (name: string): string => join(CLONE, 'bench/plain', name);
const mcpk = (words: readonly string[], inventories: readonly string[] = CALICO): string[] => [
  ...['mcpk', ...words],
  ...inventoryFlags(inventories),
  '--yes',
];

/** Kubernetes, etcd and containerd at once, from the release before. */
export async function upgrade({ quick, rounds, note }: Options): Promise<Report> {
  const over = await overlay('containerd: { source: upstream }\n');
  const control = await mkdtemp(join(tmpdir(), 'mcpk-bench-'));
  const programs = (['kubernetes', 'etcd', 'containerd', 'runc'] as const).map((component) =>
    artifactDirectory(component, DEFAULT_VERSIONS[component]),
  );
  const script = ['sh', plain('upgrade.sh'), SSH_CONFIG, control, ...programs];
  try {
    return await beside(
      {
        title: 'The lab gets another Kubernetes, etcd and containerd',
        before: () => bringLab('before'),
        mcpk: async () => (await timed({ argv: mcpk(['apply', '--no-snapshot'], [...CALICO, over]) })).seconds,
        script: async () => (await timed({ argv: script })).seconds,
        most: 1.5,
      },
      { rounds: rounds ?? (quick ? 1 : 3), note },
    );
  } finally {
    await exec(['sh', '-c', 'for socket in "$1"/*; do ssh -o ControlPath="$socket" -O exit x; done', 'sh', control]);
    await rm(control, { recursive: true, force: true });
  }
}

/** Five hosts, one after the other. */
export async function reboots({ quick, rounds, note }: Options): Promise<Report> {
  const names = HOSTS.map(({ name }) => name);
  const booting = async (argv: readonly string[]): Promise<number> => {
    let seconds = Number.NaN;
    await withFirmware(names, async () => {
      seconds = (await timed({ argv })).seconds;
    });
    await allNodesReady();
    return seconds;
  };
  return beside(
    {
      title: 'Five hosts are drained and reboot, one after the other',
      before: () => bringLab('ready'),
      mcpk: () => booting(mcpk(['node', 'reboot', 'all'])),
      script: () => booting(['sh', plain('reboots.sh'), SSH_CONFIG]),
      most: 1.3,
    },
    { rounds: rounds ?? (quick ? 1 : 3), note },
  );
}

interface Race {
  title: string;
  before: () => Promise<void>;
  /** Seconds. */
  mcpk: () => Promise<number>;
  script: () => Promise<number>;
  /** What mcpk may take, in times of the script. */
  most: number;
}

async function beside(race: Race, { rounds, note }: Pick<Options, 'note'> & { rounds: number }): Promise<Report> {
  const mcpks: number[] = [];
  const scripts: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await race.before();
    mcpks.push(await race.mcpk());
    await race.before();
    scripts.push(await race.script());
    note(`mcpk ${duration(mcpks.at(-1) ?? Number.NaN)}, the script ${duration(scripts.at(-1) ?? Number.NaN)}`);
  }
  const floor = spread(scripts);
  const row = (name: string, found: Spread): string[] =>
    spreadRow(name, found, `${(found.median / floor.median).toFixed(2)} ×`);
  return {
    tables: [
      {
        title: race.title,
        head: ['whole process', 'median', 'spread', 'runs', 'to the script'],
        rows: [row('a script, without checks', floor), row('mcpk', spread(mcpks))],
      },
    ],
    notes: [
      `At most ${String(race.most)} × is asked of mcpk, which also checks that the cluster serves after each host.`,
    ],
  };
}
