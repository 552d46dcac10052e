/**
 * `npm run bench -- network`: what Calico costs beside the bridge: a first apply with its images pulled, and an apply
 * with nothing to do. A cluster has one network, so the two take turns by rounds, each from bare hosts.
 */
import { reset } from '../lab/lab.ts';
import { FLOOR } from './floor.ts';
import { apply, BRIDGE, CALICO } from './mcpk.ts';
import { spread, timed } from './measure.ts';
import { duration, raceHead, raceRows } from './report.ts';
import type { Options, Report } from './types.ts';

const NETWORKS = { bridge: BRIDGE, Calico: CALICO };

export async function network({ note, quick, rounds }: Options): Promise<Report> {
  const first = new Map<string, number[]>();
  const noop = new Map<string, number[]>();
  const floors = new Map<string, number[]>();
  for (let round = 0; round < (rounds ?? (quick ? 1 : 3)); round += 1) {
    for (const [name, inventories] of Object.entries(NETWORKS)) {
      await reset();
      const { seconds } = await timed(apply(undefined, { inventories }));
      note(`${name}: first apply ${duration(seconds)}`);
      push(first, name, seconds);
      await timed(apply(0, { inventories }));
      for (let again = 0; again < 5; again += 1) {
        push(floors, name, (await timed(FLOOR)).seconds);
        push(noop, name, (await timed(apply(0, { inventories }))).seconds);
      }
    }
  }
  const table = (title: string, figures: ReadonlyMap<string, number[]>) => ({
    title,
    head: raceHead(['bridge']),
    rows: raceRows(new Map([...figures].map(([name, values]) => [name, spread(values)])), ['bridge']),
  });
  return {
    tables: [table('Bare hosts to ready nodes, by network', first), table('Nothing to do, by network', noop)],
    notes: [
      'Calico 3.28.5; its images come from the registry of the lab, on the same machine.',
      `The floor (five parallel ssh) in between, as Calico's own programs share the processors, too: ${[...floors]
        .map(([name, values]) => `${duration(median(values))} beside ${name}, ${toFloor(noop.get(name) ?? [], values)}`)
        .join('; ')}.`,
    ],
  };
}

function median(values: readonly number[]): number {
  return spread(values).median;
}

function toFloor(noop: readonly number[], floor: readonly number[]): string {
  return `whose apply with nothing to do is ${(median(noop) / median(floor)).toFixed(2)} × that`;
}

function push(figures: Map<string, number[]>, name: string, value: number): void {
  figures.set(name, [...(figures.get(name) ?? []), value]);
}
