import { understoodInTurns } from '../../core/answer.ts';
import { askApi } from '../../cluster/api-server.ts';
import {
  askResources,
  objectOf,
  objectPaths,
  parseObjectId,
  parseResources,
  type ObjectName,
} from '../../cluster/objects.ts';
import type { Answer } from '../../cluster/gate.ts';
import type { Cluster } from '../../inventory/types.ts';
import { ask } from './ask.ts';
import type { Fleet } from './fleet.ts';

/** With the path where it was found; the rest as {@link objectOf} says it. */
export type Found = { json: string; path: string } | 'absent' | 'unknown' | 'untold' | undefined;

export interface ObjectReader {
  fleet: Fleet;
  cluster: Cluster;
  /** The master that is asked. */
  host: string;
  signal: AbortSignal;
}

/** apiVersion → kind → name of its resource. */
type Plurals = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads objects by their ids over one connection of the master. */
export async function readObjects(reader: ObjectReader, ids: readonly string[]): Promise<Map<string, Found>> {
  const found = await readBy(reader, ids, new Map());
  const unknown = [...found.keys()].filter((id) => found.get(id) === 'unknown');
  if (unknown.length === 0) return found;
  const plurals = await readPlurals(reader, unknown);
  const named = unknown.filter((id) => pluralIn(plurals, parseObjectId(id)) !== undefined);
  for (const [id, each] of await readBy(reader, named, plurals)) found.set(id, each);
  return found;
}

async function readBy(
  { fleet, cluster, host, signal }: ObjectReader,
  ids: readonly string[],
  plurals: Plurals,
): Promise<Map<string, Found>> {
  const paths = ids.map((id) => {
    const name = parseObjectId(id);
    return objectPaths(name, pluralIn(plurals, name));
  });
  const asks = paths.map((each) => each.map((path) => askApi(cluster, host, path)));
  const answers = await ask(fleet, asks.flat(), signal);
  return understoodInTurns(host, decodingObjects(new Map(ids.map((id, index) => [id, paths[index] ?? []])), answers));
}

/** Each object in a turn of its own. `answers` are those of all paths, one after another. */
function* decodingObjects(
  pathsOf: ReadonlyMap<string, readonly string[]>,
  answers: Answer[],
): Generator<undefined, Map<string, Found>> {
  const found = new Map<string, Found>();
  for (const [id, paths] of pathsOf) {
    yield;
    const seen = objectOf(answers.splice(0, paths.length));
    found.set(id, typeof seen === 'object' ? { json: seen.json, path: paths[seen.place] ?? '' } : seen);
  }
  return found;
}

/** Of the kinds whose resource has another name than one would think. */
async function readPlurals({ fleet, cluster, host, signal }: ObjectReader, ids: readonly string[]): Promise<Plurals> {
  const versions = [...new Set(ids.map((id) => parseObjectId(id).apiVersion))];
  const asks = versions.map((version) => askResources(cluster, host, version));
  const answers = await ask(fleet, asks, signal);
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
