import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { spread } from '../../bench/measure.ts';
import { CLONE } from '../../lab/paths.ts';
import type { RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import { census, grown, type Census } from './support/census.ts';
import { isClear } from './support/hosts.ts';
import { eventually, mcpkJson, NODES } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

const ROUNDS = Number(process.env['MCPK_ROUNDS'] ?? 20);

/** Durations and medians, for whoever compares: .cache/rounds.json. */
const FIGURES = join(CLONE, '.cache', 'rounds.json');

/** In their order; each reports what JUnit's form can tell. */
const COMMANDS = {
  apply: ['apply', '--yes'],
  verify: ['verify'],
  reset: ['reset', '--yes', '--cluster', 'lab'],
} as const;
type Name = keyof typeof COMMANDS;

interface Round {
  seconds: Record<Name, number>;
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

/** `etcd m1`, with what became of it where it did not pass. */
function casesOf(xml: string): string[] {
  const cases = xml.matchAll(/<testcase classname="([^"]*)" name="([^"]*)" time="[^"]*"(\/?)>(?:\s*<(\w+))?/g);
  return [...cases].map(([, suite, name, ended, outcome]) => [suite, name, ended === '/' ? '' : outcome].join(' '));
}

/** Medians of rounds 2 to 6 and of the last five, in seconds, and the second through the first. */
function mediansOf(rounds: readonly Round[]): Record<Name, { early: number; late: number; ratio: number }> {
  const of = (name: Name): { early: number; late: number; ratio: number } => {
    const all = rounds.map(({ seconds }) => seconds[name]);
    const [early, late] = [spread(all.slice(1, 6)).median, spread(all.slice(-5)).median];
    return { early, late, ratio: late / early };
  };
  return { apply: of('apply'), verify: of('verify'), reset: of('reset') };
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
      const medians = mediansOf(rounds);
      const seconds = rounds.map((each) => each.seconds);
      await mkdir(join(CLONE, '.cache'), { recursive: true });
      await writeFile(FIGURES, `${JSON.stringify({ at: new Date().toISOString(), medians, seconds }, undefined, 2)}\n`);
      process.stdout.write(`round ${String(at)}: ${JSON.stringify(done.seconds)}\n`);
      for (const name of NODES) await isClear(name);
      // The first one installs packages, which stay.
      if (at > 2) expect(done.results, `round ${String(at)} beside the second`).toEqual(rounds[1]?.results);
      first ??= await atRest();
    }
    process.stdout.write(`medians: ${JSON.stringify(mediansOf(rounds))}\n`);
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
