import { understood } from '../../core/answer.ts';
import { McpkError } from '../../core/errors.ts';
import { PATHS } from '../../core/paths.ts';
import { answersOf, type Reader } from '../hosts/reader.ts';
import { runNamed } from './run-named.ts';

/** What one stream did on a host, as the lines of its undo list (src/engine/wire/scripts/converge/keep.sh). */
export interface Generation {
  host: string;
  run: string;
  stage: string;
  lines: string[];
}

/** All generations that these hosts keep: one question to each. Throws as {@link answersOf}. */
export async function readGenerations(
  reader: Reader,
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<Generation[]> {
  const argv = ['grep', '-rH', '--include=*.undo', '', PATHS.generations];
  const kept = hosts.map(async (host) => {
    const [answer] = await answersOf(reader, [{ host, argv }], signal);
    return understood(host, () => parseGenerations(host, answer?.stdout ?? ''));
  });
  return (await Promise.all(kept)).flat();
}

const LINE = new RegExp(`^${PATHS.generations}/([\\w-]{1,100})/([\\w-]{1,100})\\.undo:(.*)$`, 'gm');

/** A hundred runs of all stages have less. */
const MOST_GENERATIONS = 5000;
const MOST_CHARACTERS = 8 * 1024 * 1024;

/** What grep says: `/var/lib/mcpk/generations/RUN/STAGE.undo:LINE`. Oldest first. */
export function parseGenerations(host: string, text: string): Generation[] {
  if (text.length > MOST_CHARACTERS) throw new Error(`undo lists of ${String(text.length)} characters`);
  const found = new Map<string, Generation>();
  for (const [, run, stage, line] of text.matchAll(LINE)) {
    const generation = found.get(`${run} ${stage}`) ?? { host, run: run!, stage: stage!, lines: [] };
    generation.lines.push(line!);
    found.set(`${run} ${stage}`, generation);
    if (found.size > MOST_GENERATIONS) throw new Error(`more than ${String(MOST_GENERATIONS)} generations`);
  }
  return [...found.values()].sort((a, b) => (a.run < b.run ? -1 : 1));
}

/**
 * The generations of a run that can be put back: on each host and stage the last one whose changes are there.
 * `wanted`: a run, or its last characters; undefined = the last run of which something is there, that is no rollback itself.
 *
 * @throws McpkError `refused` where a later run changed the same, or nothing is left to put back
 */
export function chooseGenerations(all: readonly Generation[], wanted?: string): Generation[] {
  const places = [...Map.groupBy(all, ({ host, stage }) => `${stage} on ${host}`)];
  const states = places.map(([place, generations]) => ({ place, ...stateOf(generations) }));
  const run =
    wanted === undefined
      ? newest(states.flatMap(({ current }) => current.at(-1) ?? []))?.run
      : runNamed(
          wanted,
          all.map((each) => each.run),
        );
  const known = states.filter(({ generations }) => generations.some((each) => each.run === run));
  if (run === undefined || known.length === 0) throw nothingKept(all, wanted);
  const open = known.filter(({ current, last }) => last?.run === run || current.some((each) => each.run === run));
  const blocked = open.flatMap(({ place, current, last }) => {
    const later = last?.run === run ? undefined : current.findLast((each) => each.run > run);
    return later ? [`${later.run} changed ${place} since`] : [];
  });
  if (open.length === 0 || blocked.length > 0) {
    throw new McpkError('refused', `${run} can not be rolled back`, {
      details: blocked.length > 0 ? blocked : known.map(({ place }) => `${place} was rolled back already`),
      hint: 'Roll back later runs first, the last one first; --limit leaves hosts out.',
    });
  }
  return open.flatMap(({ generations }) => generations.filter((each) => each.run === run));
}

interface PlaceState {
  /** Oldest first. */
  generations: Generation[];
  last: Generation | undefined;
  /** Those whose changes are there now: neither rollbacks nor rolled back. */
  current: Generation[];
}

/** A rollback takes the changes of a run away; a rollback of a rollback brings them again. */
function stateOf(generations: readonly Generation[]): PlaceState {
  const changing = generations.filter((each) => each.lines.some(isChange));
  const undone = new Map<string, Generation>();
  let current: Generation[] = [];
  for (const generation of changing) {
    const target = restoredBy(generation);
    const again = undone.get(target ?? '');
    const taken = current.find((each) => each.run === target);
    if (target === undefined) current.push(generation);
    else if (again) current.push(again);
    else if (taken) {
      undone.set(generation.run, taken);
      current = current.filter((each) => each !== taken);
    }
  }
  return { generations: changing, last: changing.at(-1), current };
}

/** The run that this generation is a rollback of. */
function restoredBy({ lines }: Generation): string | undefined {
  return lines.find((line) => line.startsWith('restores '))?.slice('restores '.length);
}

/** Whether a line of an undo list tells of a change: not how a unit was before, and not the list of what is owned. */
function isChange(line: string): boolean {
  return !line.startsWith('unit ') && !line.includes(` .${PATHS.owned}`);
}

function newest(generations: readonly Generation[]): Generation | undefined {
  return generations.toSorted((a, b) => (a.run < b.run ? -1 : 1)).at(-1);
}

function nothingKept(all: readonly Generation[], run: string | undefined): McpkError {
  const hosts = [...new Set(all.map(({ host }) => host))].join(', ');
  const runs = [...new Set(all.map((each) => each.run))].toSorted().toReversed();
  return new McpkError('refused', run === undefined ? 'nothing is kept to roll back to' : `no host keeps ${run}`, {
    hint:
      runs.length === 0
        ? 'Hosts keep what apply replaces; on these nothing is.'
        : `On ${hosts} there are ${runs.join(', ')}.`,
  });
}
