/**
 * `npm run bench -- race`: the same resources by mcpk, Ansible, Ansible with Mitogen and pyinfra, in turn, on the same
 * five hosts: nothing to change, one file changed on every host, all configuration from scratch.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { host, reset } from '../lab/lab.ts';
import { CLONE } from '../lab/paths.ts';
import { run } from '../lab/run.ts';
import { onOperatorSide, operatorEnvironment } from '../lab/operator.ts';
import { HOSTS } from '../lab/topology.ts';
import { FLOOR } from './floor.ts';
import { apply, INVENTORY, settle } from './mcpk.ts';
import { interleaved, timed, type Contestant, type Outcome } from './measure.ts';
import { comparable, sharedFile, type Race, type Scope, type Shown, type Work } from './peers/comparable.ts';
import { peers, type Peers } from './peers/contestants.ts';
import { writePeers } from './peers/folder.ts';
import { addPython, installPeers, peerVersions, removePython } from './peers/install.ts';
import { failures, raceHead, raceRows } from './report.ts';
import { buildSubset, subset, subsetResult } from './subset/build.ts';
import type { Options, Report, Table } from './types.ts';

const FOLDER = join(CLONE, '.cache/bench/peers');
const FLOOR_NAME = 'the floor';
const MCPK = 'mcpk apply, full cluster';
const PART = 'mcpk, same resources';

export async function race(options: Options): Promise<Report> {
  const environment = await installPeers(options.note);
  await buildSubset();
  const tools = { environment, folder: FOLDER };
  const versions = Object.entries(await peerVersions(environment)).map(([name, version]) => `${name} ${version}`);
  const running = await onCluster(tools, options);
  const scratch = options.quick ? undefined : await fromScratch(tools, options);
  return {
    tables: [...running.tables, ...(scratch?.tables ?? [])],
    notes: [
      `Peers: ${versions.join(', ')}.`,
      ...running.notes,
      ...(scratch?.notes ?? ['From scratch is left out of a quick run.']),
    ],
  };
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
    const noop = await interleaved({ warm, counted }, { [FLOOR_NAME]: FLOOR, [MCPK]: apply(0), ...others });
    const path = sharedFile(shown, compared);
    options.note(`${path} changed on every host, ${String(counted)} rounds`);
    const drifted = await interleaved(
      { warm: 0, counted },
      {
        [FLOOR_NAME]: FLOOR,
        [MCPK]: spoiled(apply(HOSTS.length), path, compared),
        ...mapValues(await peers(tools, 'something'), (each) => spoiled(each, path, compared)),
      },
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

/** Bare hosts to all configuration that every tool can lay down; each run starts from a reset. */
async function fromScratch(tools: Peers, options: Options): Promise<Report> {
  await reset();
  const { compared } = await prepare('bare');
  const counted = options.rounds ?? 5;
  options.note(`from scratch, ${String(counted)} rounds, a reset before each run`);
  const others = await peers(tools, 'something');
  const again = await peers(tools, 'nothing');
  const part = subset(INVENTORY, 'bare');
  const outcomes = await interleaved(
    { warm: 0, counted },
    {
      [PART]: bare({ ...part, check: mustChange(true) }, { ...part, check: mustChange(false) }, compared),
      ...Object.fromEntries(
        Object.entries(others).map(([name, each]) => [name, bare(each, again[name] ?? each, compared)]),
      ),
    },
  );
  options.note('the cluster is made again');
  await settle();
  return {
    tables: [table('All configuration from scratch', outcomes, PART)],
    notes: [
      `From scratch, ${counts(compared)} for all four; mcpk through its own engine, without gates and preflight (bench/subset).`,
      ...[...compared.leftOut].map(([why, count]) => `From scratch without ${String(count)} × ${why}.`),
      ...failures(outcomes),
    ],
  };
}

function table(title: string, outcomes: ReadonlyMap<string, Outcome>, beside: string): Table {
  const others = outcomes.has(FLOOR_NAME) ? [FLOOR_NAME, beside] : [beside];
  return { title, head: raceHead(others), rows: raceRows(outcomes, others) };
}

/** What mcpk describes for the hosts as they are, written as the peers want it. */
async function prepare(scope: Scope): Promise<{ shown: Shown; compared: Race }> {
  const text = await run(onOperatorSide(['mcpk', 'show', '-i', INVENTORY, '--json']), {
    env: operatorEnvironment(),
    cwd: CLONE,
  });
  const shown = JSON.parse(text) as Shown;
  const compared = comparable(shown, scope);
  await writePeers(FOLDER, compared.hosts);
  return { shown, compared };
}

/** The file is spoiled on each host beforehand, and must be right on each afterwards. */
function spoiled(contestant: Contestant, path: string, compared: Race): Contestant {
  return {
    ...contestant,
    async before() {
      await contestant.before?.();
      await Promise.all(HOSTS.map(({ name }) => mustRun(name, 'echo "# drift" >>"$1"', [path])));
    },
    async check(said) {
      await contestant.check?.(said);
      await rightFiles(compared);
    },
  };
}

/** From bare hosts; the files must be right afterwards, and a second run must find nothing to do. */
function bare(contestant: Contestant, again: Contestant, compared: Race): Contestant {
  let proved = false;
  return {
    ...contestant,
    async before() {
      await reset();
      await addPython();
      await contestant.before?.();
    },
    async check(said) {
      await contestant.check?.(said);
      await rightFiles(compared);
      if (!proved) await timed(again);
      proved = true;
    },
  };
}

function mustChange(something: boolean): NonNullable<Contestant['check']> {
  return (said) => {
    const { changed, failed } = subsetResult(said);
    if (failed.length > 0 || changed > 0 !== something)
      throw new Error(`mcpk changed ${String(changed)}: ${failed.join()}`);
  };
}

/** The files of every host have the bytes that mcpk described. */
async function rightFiles(compared: Race): Promise<void> {
  await Promise.all([...compared.hosts].map(([name, work]) => rightOn(name, work)));
}

async function rightOn(name: string, { files }: Work): Promise<void> {
  const sums = files.map(({ path, content }) => `${createHash('sha256').update(content).digest('hex')}  ${path}\n`);
  const said = await host(name, ['sha256sum', '--check', '--quiet', '-'], { input: sums.join('') });
  if (said.code !== 0) throw new Error(`${name}: files differ\n${said.stdout}${said.stderr}`);
}

async function mustRun(name: string, script: string, args: readonly string[]): Promise<void> {
  const said = await host(name, ['sh', '-c', script, 'sh', ...args]);
  if (said.code !== 0) throw new Error(`${name}: ${script}\n${said.stderr}`);
}

function counts({ hosts }: Race): string {
  const sums = new Map<string, number>();
  for (const work of hosts.values())
    for (const [kind, list] of Object.entries(work) as [string, unknown[]][])
      sums.set(kind, (sums.get(kind) ?? 0) + list.length);
  return [...sums].map(([kind, count]) => `${String(count)} ${kind}`).join(', ');
}

function total(shown: Shown): number {
  return shown.stages.flatMap((stage) => stage.hosts.flatMap(({ resources }) => resources)).length;
}

function mapValues<T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
