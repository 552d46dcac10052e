import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLONE } from '../../lab/paths.ts';
import type { RunResult } from '../../src/engine/types.ts';
import { casesOf, grown, mediansOf, type Census } from '../support/rounds.ts';
import { FULL } from '../support/tier.ts';
import { census } from './support/census.ts';
import { isClear } from './support/hosts.ts';
import { eventually, mcpkJson, NODES } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

const ROUNDS = Number(process.env['MCPK_ROUNDS'] ?? 20);

/** Durations and medians, for whoever compares: .cache/rounds.json. */
const FIGURES = join(CLONE, '.cache', 'rounds.json');

/** In their order. */
const COMMANDS = {
  apply: ['apply', '--yes'],
  verify: ['verify'],
  reset: ['reset', '--yes', '--cluster', 'lab'],
} as const;
type Name = keyof typeof COMMANDS;
type Seconds = Record<Name, number>;

interface Round {
  seconds: Seconds;
  /** What each command said, without its times and names of runs. */
  results: Record<Name, unknown>;
}

async function round(): Promise<Round> {
  const seconds = { apply: 0, verify: 0, reset: 0 };
  const results: Record<Name, unknown> = { apply: undefined, verify: undefined, reset: undefined };
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-round-'));
  for (const [name, words] of Object.entries(COMMANDS) as [Name, readonly string[]][]) {
    const file = join(folder, `${name}.xml`);
    const reports = name !== 'reset';
    const started = performance.now();
    const result = await mcpkJson<RunResult>([...words, ...(reports ? ['--junit', file] : [])], 0);
    seconds[name] = (performance.now() - started) / 1000;
    results[name] = { ...summaryOf(result), ...(reports ? { cases: casesOf(await readFile(file, 'utf8')) } : {}) };
  }
  return { seconds, results };
}

/** Of `verify` there are no such words, and its cases tell. */
function summaryOf({ status, changed, failed, pending, removed, stages }: Partial<RunResult>): object {
  return { status, changed, failed, pending, removed, stages: stages?.map(({ ms: _ms, ...stage }) => stage) };
}

/** Also of a run that is cut short. */
async function keepFigures(seconds: readonly Seconds[]): Promise<void> {
  const names = Object.keys(COMMANDS) as Name[];
  const medians = Object.fromEntries(names.map((name) => [name, mediansOf(seconds.map((each) => each[name]))]));
  await mkdir(join(CLONE, '.cache'), { recursive: true });
  await writeFile(FIGURES, `${JSON.stringify({ at: new Date().toISOString(), medians, seconds }, undefined, 2)}\n`);
  process.stdout.write(`round ${String(seconds.length)}: ${JSON.stringify({ ...seconds.at(-1), medians })}\n`);
}

/** Once no session of a run is left, which go a moment after it. */
function atRest(): Promise<Census> {
  return eventually('no session is left on a host', 60, async () => {
    const now = await census();
    return [...now.keys()].some((line) => / file \/run\/systemd\/sessions\/./.test(line)) ? undefined : now;
  });
}

describe.runIf(FULL)(`apply, verify and reset, ${String(ROUNDS)} times`, () => {
  startFrom('bare');

  it('come to the same each time, and nothing grows on the hosts', { timeout: ROUNDS * 900_000 }, async () => {
    const rounds: Round[] = [];
    let first: Census | undefined;
    for (let at = 1; at <= ROUNDS; at += 1) {
      const done = await round();
      rounds.push(done);
      await keepFigures(rounds.map(({ seconds }) => seconds));
      for (const name of NODES) await isClear(name);
      // The first one installs packages, which stay.
      if (at > 2) expect(done.results, `round ${String(at)} beside the second`).toEqual(rounds[1]?.results);
      first ??= await atRest();
    }
    const then = first ?? new Map<string, number>();
    let more: string[] = [];
    // What ends is still there for a moment.
    await eventually('nothing is there that was not after the first round', 60, async () => {
      more = grown(then, await census());
      return more.length === 0 ? true : undefined;
    }).catch(() => undefined);
    expect(more).toEqual([]);
  });
});
