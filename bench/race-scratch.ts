/**
 * `npm run bench -- race-scratch`: all configuration that every tool can lay down, from bare hosts, by mcpk, Ansible,
 * Ansible with Mitogen and pyinfra in turn. Binaries, certificates and what needs them are left out for all.
 */
import { reset } from '../lab/lab.ts';
import { BRIDGE, settle } from './mcpk.ts';
import { interleaved, timed, type Contestant } from './measure.ts';
import type { Race } from './peers/comparable.ts';
import { peers, type Peers } from './peers/contestants.ts';
import { addPython } from './peers/install.ts';
import { rightFiles } from './peers/proof.ts';
import { counts, prepare, table, withPeers } from './peers/race.ts';
import { failures } from './report.ts';
import { buildSubset, subset, subsetResult } from './subset/build.ts';
import type { Options, Report } from './types.ts';

const PART = 'mcpk, same resources';

export async function raceFromScratch(options: Options): Promise<Report> {
  await buildSubset();
  return withPeers(options, fromScratch);
}

async function fromScratch(tools: Peers, options: Options): Promise<Report> {
  await reset();
  const { compared } = await prepare('bare');
  const counted = options.rounds ?? 5;
  options.note(`from scratch, ${String(counted)} rounds, a reset before each run`);
  const others = await peers(tools, 'something');
  const again = await peers(tools, 'nothing');
  const part = subset(BRIDGE, 'bare');
  const outcomes = await interleaved(
    { warm: 0, counted },
    {
      [PART]: bare({ ...part, check: mustChange(true) }, { ...part, check: mustChange(false) }, compared),
      ...Object.fromEntries(
        Object.entries(others).map(([name, each]) => [name, bare(each, again[name] ?? each, compared)]),
      ),
    },
    options.note,
  );
  options.note('the cluster is made again');
  await reset();
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
