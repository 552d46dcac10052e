import { understoodInTurns } from '../../core/answer.ts';
import { askApi } from '../../cluster/api-server.ts';
import {
  askResources,
  decodingList,
  listPath,
  objectOf,
  objectPaths,
  parseObjectId,
  parseResources,
  type ObjectName,
} from '../../cluster/objects.ts';
import type { Answer } from '../../cluster/gate.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Reader } from './reader.ts';

/** With the path where it was found; the rest as {@link objectOf} says it. */
export type Found = { json: string; path: string } | 'absent' | 'unknown' | 'untold' | undefined;

export interface ObjectReader {
  reader: Reader;
  cluster: Cluster;
  /** The master that is asked. */
  host: string;
}

/** apiVersion → kind → name of its resource. */
type Plurals = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * Reads objects by their ids over one connection of the master. Those of `labelled`, which bear mcpk's label unless
 * somebody took it away, are read by lists where several lie in one place.
 */
export async function readObjects(
  from: ObjectReader,
  ids: readonly string[],
  labelled: ReadonlySet<string> = new Set(),
): Promise<Map<string, Found>> {
  const lists = sharedLists(ids.filter((id) => labelled.has(id)));
  const inLists = new Set([...lists.values()].flat());
  const alone = pathsOf(ids.filter((id) => !inLists.has(id)));
  const answers = await askPaths(from, [...lists.keys(), ...[...alone.values()].flat()]);
  const found = await understoodInTurns(from.host, decodingLists(lists, answers.splice(0, lists.size)));
  await decodeInto(found, from.host, alone, answers);
  await readAnew(from, pathsOf([...inLists].filter((id) => !found.has(id))), found);
  const unknown = [...found.keys()].filter((id) => found.get(id) === 'unknown');
  if (unknown.length === 0) return found;
  const plurals = await readPlurals(from, unknown);
  const named = unknown.filter((id) => pluralIn(plurals, parseObjectId(id)) !== undefined);
  await readAnew(from, pathsOf(named, plurals), found);
  return found;
}

/** Each by itself, into `found`. */
async function readAnew(from: ObjectReader, paths: Paths, found: Map<string, Found>): Promise<void> {
  if (paths.size === 0) return;
  await decodeInto(found, from.host, paths, await askPaths(from, [...paths.values()].flat()));
}

async function decodeInto(found: Map<string, Found>, host: string, paths: Paths, answers: Answer[]): Promise<void> {
  for (const [id, each] of await understoodInTurns(host, decodingObjects(paths, answers))) found.set(id, each);
}

function askPaths({ reader, cluster, host }: ObjectReader, paths: readonly string[]): Promise<Answer[]> {
  return reader.ask(paths.map((path) => askApi(cluster, host, path)));
}

/** id → where it may be. */
type Paths = ReadonlyMap<string, readonly string[]>;

function pathsOf(ids: readonly string[], plurals: Plurals = new Map()): Paths {
  return new Map(
    ids.map((id) => {
      const name = parseObjectId(id);
      return [id, objectPaths(name, pluralIn(plurals, name))];
    }),
  );
}

/** Path of a list → the ids that are looked for in it; only where that saves questions. */
function sharedLists(ids: readonly string[]): Map<string, string[]> {
  const byList = Map.groupBy(ids, (id) => listPath(parseObjectId(id)));
  return new Map([...byList].flatMap(([path, own]) => (path !== undefined && own.length > 1 ? [[path, own]] : [])));
}

/**
 * An id that is not in its list gets no entry, as the object may be there without its label; it is undefined where the
 * list was not answered.
 */
function* decodingLists(
  lists: ReadonlyMap<string, readonly string[]>,
  answers: readonly Answer[],
): Generator<undefined, Map<string, Found>> {
  const found = new Map<string, Found>();
  for (const [index, ids] of [...lists.values()].entries()) {
    const named = yield* decodingList(answers[index]);
    for (const id of ids) {
      const name = parseObjectId(id);
      const json = named?.get(name.name);
      if (named === undefined) found.set(id, undefined);
      else if (json !== undefined) found.set(id, { json, path: objectPaths(name)[0] ?? '' });
    }
  }
  return found;
}

/** Each object in a turn of its own. `answers` are those of all paths, one after another. */
function* decodingObjects(paths: Paths, answers: Answer[]): Generator<undefined, Map<string, Found>> {
  const found = new Map<string, Found>();
  for (const [id, places] of paths) {
    yield;
    const seen = objectOf(answers.splice(0, places.length));
    found.set(id, typeof seen === 'object' ? { json: seen.json, path: places[seen.place] ?? '' } : seen);
  }
  return found;
}

/** Of the kinds whose resource has another name than one would think. */
async function readPlurals({ reader, cluster, host }: ObjectReader, ids: readonly string[]): Promise<Plurals> {
  const versions = [...new Set(ids.map((id) => parseObjectId(id).apiVersion))];
  const asks = versions.map((version) => askResources(cluster, host, version));
  const answers = await reader.ask(asks);
  return understoodInTurns(host, decodingPlurals(versions, answers));
}

function* decodingPlurals(versions: readonly string[], answers: readonly Answer[]): Generator<undefined, Plurals> {
  const plurals = new Map<string, ReadonlyMap<string, string>>();
  for (const [index, version] of versions.entries()) {
    yield;
    plurals.set(version, parseResources(answers[index]));
  }
  return plurals;
}

function pluralIn(plurals: Plurals, { apiVersion, kind }: ObjectName): string | undefined {
  return plurals.get(apiVersion)?.get(kind);
}
