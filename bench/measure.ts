import { exec } from '../lab/lab.ts';
import { CLONE } from '../lab/paths.ts';

export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Seconds that a command on the operator's side takes, from its start to its end; it must succeed. */
export async function seconds(argv: readonly string[]): Promise<number> {
  const started = performance.now();
  const said = await exec(argv, { cwd: CLONE });
  if (said.code !== 0) throw new Error(`${argv.join(' ')}: exit ${String(said.code)}\n${said.stdout}${said.stderr}`);
  return (performance.now() - started) / 1000;
}

/** Runs the commands in turn, A B A B …, after one round that does not count. */
export async function interleaved(
  rounds: number,
  commands: Readonly<Record<string, readonly string[]>>,
): Promise<Record<string, Spread>> {
  const times = new Map<string, number[]>(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, argv] of Object.entries(commands)) {
      const took = await seconds(argv);
      if (round > 0) times.get(name)?.push(took);
    }
  }
  return Object.fromEntries([...times].map(([name, values]) => [name, spread(values)]));
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[Math.max(0, Math.min(index, sorted.length - 1))] ?? Number.NaN;
  return { median: at(Math.floor(sorted.length / 2)), min: at(0), max: at(sorted.length - 1) };
}
