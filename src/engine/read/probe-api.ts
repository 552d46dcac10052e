import { understood } from '../../core/answer.ts';
import { McpkError } from '../../core/errors.ts';
import { parseForeignJson } from '../../core/json.ts';
import { isMap } from '../../core/merge.ts';
import { isObjectId } from '../../cluster/objects.ts';
import type { KubeObjectResource, Observed } from '../../resources/types.ts';
import { readObjects, type Found, type ObjectReader } from '../hosts/read-objects.ts';
import { OWNED_ID } from '../plan/owned.ts';
import { emptyObserved } from '../wire/wire.ts';

export interface ApiState {
  observed: Observed;
  /** ref → stage */
  owned: Map<string, string>;
  /** Entries of the list of what is ours that name no object: somebody else wrote them. */
  nonsense: number;
}

/** Reads all objects over one connection of the master; undefined when its API server did not answer all of it. */
export async function probeApi(
  from: ObjectReader,
  objects: readonly KubeObjectResource[],
): Promise<ApiState | undefined> {
  const ids = objects.map((each) => each.id);
  const labelled = new Set(objects.filter((each) => !each.partial).map((each) => each.id));
  const found = await readObjects(from, [OWNED_ID, ...ids], labelled);
  return understood(from.host, () => stateOf(from.host, found));
}

function stateOf(host: string, found: ReadonlyMap<string, Found>): ApiState | undefined {
  const observed = emptyObserved();
  let list: [string, unknown][] = [];
  for (const [id, each] of found) {
    if (each === undefined) return undefined;
    if (typeof each === 'string') continue;
    if (id === OWNED_ID) list = ownedOf(host, each.json);
    else observed.texts[`api:${id}`] = each.json;
  }
  const owned = new Map(list.filter((entry): entry is [string, string] => isEntry(entry)));
  return { observed, owned, nonsense: list.length - owned.size };
}

function ownedOf(host: string, json: string): [string, unknown][] {
  const { data } = parseForeignJson(json) as { data?: Record<string, string> };
  const list = readable(data?.['owned'] ?? '{}');
  if (isMap(list)) return Object.entries(list);
  throw new McpkError('refused', 'kube-system/mcpk-owned is damaged, so what mcpk owns in the API is not known', {
    host,
    hint: 'kubectl delete configmap --namespace kube-system mcpk-owned: then what is there stays, also what the inventory no longer describes.',
  });
}

function readable(text: string): unknown {
  try {
    return parseForeignJson(text);
  } catch {
    return undefined;
  }
}

/** Whoever can write into kube-system can write into the list: what it names becomes part of paths and of plans. */
function isEntry([ref, stage]: [string, unknown]): boolean {
  return typeof stage === 'string' && ref.startsWith('kubeObject:') && isObjectId(ref.slice('kubeObject:'.length));
}
