import { exec } from '../lab/lab.ts';
import { CLONE } from '../lab/paths.ts';
import type { RunOptions, RunResult } from '../lab/run.ts';

export interface Spread {
  median: number;
  min: number;
  max: number;
  runs: number;
}

/** A command whose whole process is timed. */
export interface Contestant {
  argv: readonly string[];
  /** On the operator's side of the lab unless it is said. */
  run?: (argv: readonly string[], options: RunOptions) => Promise<RunResult>;
  env?: Record<string, string>;
  cwd?: string;
  /** At most so many rounds, and none that does not count: for what takes minutes. */
  most?: number;
  /** Not timed. */
  before?: () => Promise<void>;
  /** Not timed; throws when the work was not done. */
  check?: (said: RunResult) => Promise<void> | void;
}

/** Seconds from a command's start to its end, and what it said; it must succeed. */
export async function timed(contestant: Contestant): Promise<{ seconds: number; said: RunResult }> {
  await contestant.before?.();
  const { argv, run = exec, env, cwd = CLONE } = contestant;
  const started = performance.now();
  const said = await run(argv, { cwd, ...(env ? { env } : {}) });
  const seconds = (performance.now() - started) / 1000;
  if (said.code !== 0) throw new Error(`${argv.join(' ')}: exit ${String(said.code)}\n${said.stdout}${said.stderr}`);
  await contestant.check?.(said);
  return { seconds, said };
}

/** Either a figure, or why there is none. */
export type Outcome = Spread | { failed: string };

export interface Rounds {
  counted: number;
  /** Rounds before, that don't count. */
  warm: number;
}

/** Runs the commands in turn, A B A B …. Whoever fails once, or whose check does, has no figure. */
export async function interleaved(
  rounds: Rounds,
  contestants: Readonly<Record<string, Contestant>>,
  note: (text: string) => void = () => undefined,
): Promise<Map<string, Outcome>> {
  const times = new Map<string, number[]>(Object.keys(contestants).map((name) => [name, []]));
  const failed = new Map<string, string>();
  for (let round = 0; round < rounds.warm + rounds.counted; round += 1) {
    for (const [name, contestant] of Object.entries(contestants)) {
      const left = (contestant.most ?? Number.POSITIVE_INFINITY) - (times.get(name)?.length ?? 0);
      if (failed.has(name) || left <= 0 || (contestant.most !== undefined && round < rounds.warm)) continue;
      try {
        const { seconds } = await timed(contestant);
        if (round >= rounds.warm) times.get(name)?.push(seconds);
        note(`${name}: ${seconds.toFixed(2)} s${round < rounds.warm ? ', not counted' : ''}`);
      } catch (error) {
        failed.set(name, error instanceof Error ? error.message : String(error));
        note(`${name}: no figure`);
      }
    }
  }
  return new Map(
    [...times].map(([name, values]) => {
      const why = failed.get(name);
      return [name, why === undefined ? spread(values) : { failed: why }];
    }),
  );
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[Math.max(0, Math.min(index, sorted.length - 1))] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
    runs: sorted.length,
  };
}
