/** What the races have in common: the peers, what they converge, and how it is shown. */
import { join } from 'node:path';
import { CLONE } from '../../lab/paths.ts';
import { inventoryFlags } from '../mcpk.ts';
import { timed, type Outcome } from '../measure.ts';
import { raceHead, raceRows } from '../report.ts';
import type { Options, Report, Table } from '../types.ts';
import { comparable, type Race, type Scope, type Shown } from './comparable.ts';
import type { Peers } from './contestants.ts';
import { writePeers } from './folder.ts';
import { installPeers, peerVersions } from './install.ts';

const FOLDER = join(CLONE, '.cache/bench/peers');
export const FLOOR_NAME = 'the floor';

export async function withPeers(
  options: Options,
  run: (tools: Peers, options: Options) => Promise<Report>,
): Promise<Report> {
  const environment = await installPeers(options.note);
  const versions = Object.entries(await peerVersions(environment)).map(([name, version]) => `${name} ${version}`);
  const { tables, notes } = await run({ environment, folder: FOLDER, quick: options.quick }, options);
  const left = options.quick ? ['A quick run leaves out Ansible without Mitogen, which takes minutes.'] : [];
  return { tables, notes: [`Peers: ${versions.join(', ')}.`, ...left, ...notes] };
}

export function table(title: string, outcomes: ReadonlyMap<string, Outcome>, beside: string): Table {
  const others = outcomes.has(FLOOR_NAME) ? [FLOOR_NAME, beside] : [beside];
  return { title, head: raceHead(others), rows: raceRows(outcomes, others) };
}

/** What mcpk describes for the hosts as they are, written as the peers want it. */
export async function prepare(scope: Scope): Promise<{ shown: Shown; compared: Race }> {
  const { said } = await timed({ argv: ['mcpk', 'show', ...inventoryFlags(), '--json'] });
  const shown = JSON.parse(said.stdout) as Shown;
  const compared = comparable(shown, scope);
  await writePeers(FOLDER, compared.hosts);
  return { shown, compared };
}

export function counts({ hosts }: Race): string {
  const sums = new Map<string, number>();
  for (const work of hosts.values())
    for (const [kind, list] of Object.entries(work) as [string, unknown[]][])
      sums.set(kind, (sums.get(kind) ?? 0) + list.length);
  return [...sums].map(([kind, count]) => `${String(count)} ${kind}`).join(', ');
}
