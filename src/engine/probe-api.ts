import { understood } from '../core/answer.ts';
import { parseForeignJson } from '../core/json.ts';
import { askObject, askResources, objectOf, parseObjectId, parseResources } from '../cluster/objects.ts';
import type { Cluster } from '../inventory/types.ts';
import type { KubeObjectResource, Observed } from '../resources/types.ts';
import { OWNED_ID } from './api.ts';
import { ask } from './ask.ts';
import type { Fleet } from './fleet.ts';
import { emptyObserved } from './wire.ts';

export interface ApiState {
  observed: Observed;
  /** ref → stage */
  owned: Map<string, string>;
}

type Found = ReturnType<typeof objectOf>;
type Read = (ids: readonly string[], plurals?: Plurals) => Promise<Map<string, Found>>;
/** apiVersion → kind → name of its resource. */
type Plurals = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads all objects over one connection of the master; undefined when its API server did not answer all of it. */
export async function probeApi(
  fleet: Fleet,
  cluster: Cluster,
  host: string,
  { objects, signal }: { objects: readonly KubeObjectResource[]; signal: AbortSignal },
): Promise<ApiState | undefined> {
  const read: Read = async (ids, plurals) => {
    const asks = ids.map((id) => {
      const name = parseObjectId(id);
      return askObject(cluster, host, name, plurals?.get(name.apiVersion)?.get(name.kind));
    });
    const answers = await ask(fleet, asks.flat(), signal);
    return understood(
      host,
      () => new Map(ids.map((id, index) => [id, objectOf(answers.splice(0, asks[index]?.length))])),
    );
  };
  const found = await read([OWNED_ID, ...objects.map((each) => each.id)]);
  const unknown = [...found.keys()].filter((id) => found.get(id) === 'unknown');
  if (unknown.length > 0) {
    const plurals = await readPlurals(fleet, cluster, host, { ids: unknown, signal });
    const named = unknown.filter((id) => {
      const { apiVersion, kind } = parseObjectId(id);
      return plurals.get(apiVersion)?.has(kind);
    });
    for (const [id, each] of await read(named, plurals)) found.set(id, each);
  }
  return understood(host, () => stateOf(found));
}

/** Of the kinds whose resource has another name than one would think. */
async function readPlurals(
  fleet: Fleet,
  cluster: Cluster,
  host: string,
  { ids, signal }: { ids: readonly string[]; signal: AbortSignal },
): Promise<Plurals> {
  const versions = [...new Set(ids.map((id) => parseObjectId(id).apiVersion))];
  const asks = versions.map((version) => askResources(cluster, host, version));
  const answers = await ask(fleet, asks, signal);
  return new Map(versions.map((version, index) => [version, understood(host, () => parseResources(answers[index]))]));
}

function stateOf(found: ReadonlyMap<string, Found>): ApiState | undefined {
  const observed = emptyObserved();
  let owned = new Map<string, string>();
  for (const [id, each] of found) {
    if (each === undefined) return undefined;
    if (typeof each === 'string') continue;
    if (id === OWNED_ID) owned = ownedOf(each.json);
    else observed.texts[`api:${id}`] = each.json;
  }
  return { observed, owned };
}

function ownedOf(json: string): Map<string, string> {
  const { data } = parseForeignJson(json) as { data?: Record<string, string> };
  return new Map(Object.entries(parseForeignJson(data?.['owned'] ?? '{}') as Record<string, string>));
}
