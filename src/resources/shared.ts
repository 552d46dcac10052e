import { identityOfFiles, sha256 } from './identity.ts';
import { isPublic } from './shared-secret.ts';
import type { Observed, Resource, SharedSecretResource, SharedState } from './types.ts';

export interface SharedHost {
  host: string;
  resources: readonly Resource[];
  observed: Observed;
  /** ref → hash that mcpk laid down there; tells a file that drifted from a second, different secret. */
  owned?: ReadonlyMap<string, string>;
  /** etcd has data there: what it was encrypted with or served by must not be made anew. */
  etcdData?: boolean;
}

export interface SharedResolution {
  states: Map<string, SharedState>;
  /** Each names the hosts; with any, nothing may change. */
  problems: SharedProblem[];
}

export interface SharedProblem {
  message: string;
  hint: string;
}

const DIFFERS = 'Keep the copy that the running cluster uses and remove the other one by hand.';
const LOST =
  'Put it back from a copy. Where no cluster rests on it any more, remove by hand what is named here; it is made anew then.';

interface Holder {
  host: string;
  /** item → sha256 of the first file that holds it. */
  hashes: Record<string, string>;
  texts: Record<string, string>;
  /** What mcpk laid there has been changed since. */
  drifted: boolean;
}

/** State of every sharedSecret over all hosts that describe it. Copies on hosts that only trust it do not count. */
export function resolveShared(hosts: readonly SharedHost[]): SharedResolution {
  const result: SharedResolution = { states: new Map(), problems: [] };
  const placed = hosts.flatMap((each) =>
    each.resources.filter((resource) => resource.kind === 'sharedSecret').map((resource) => ({ ...each, resource })),
  );
  for (const [id, places] of Map.groupBy(placed, ({ resource }) => resource.id)) {
    const holders = places
      .filter(({ resource }) => resource.holder)
      .flatMap((place) => holderOf(place, place.resource) ?? []);
    const problems: SharedProblem[] = [];
    const state = merge(id, holders, problems);
    const recipe = places[0]?.resource.recipe.type;
    if (state.state === 'held' && recipe === 'authority') deriveBundle(state);
    const missing = state.state === 'held' && problems.length === 0 ? missingItems(id, state, places) : [];
    const resting = dependents(id, hosts);
    // What a host lost its power over before it was whole, and nothing rests on, is made anew.
    const started = missing.length > 0 && resting.length === 0;
    result.states.set(id, started ? absent() : state);
    if (state.state === 'absent') problems.push(...resting);
    else if (!started) problems.push(...missing);
    result.problems.push(...problems);
  }
  return result;
}

function holderOf({ host, observed, owned }: SharedHost, resource: SharedSecretResource): Holder | undefined {
  const found: Holder = { host, hashes: {}, texts: {}, drifted: false };
  for (const { item, path } of resource.files) {
    const hash = observed.paths[path]?.sha256;
    if (hash === undefined || found.hashes[item] !== undefined) continue;
    found.hashes[item] = hash;
    const text = observed.texts[path];
    if (isPublic(item) && text !== undefined) found.texts[item] = text;
  }
  if (Object.keys(found.hashes).length === 0) return undefined;
  const laid = owned?.get(`sharedSecret:${resource.id}`);
  const present = new Map(resource.files.map(({ path }) => [path, observed.paths[path]?.sha256 ?? '']));
  found.drifted = laid !== undefined && laid !== '' && laid !== identityOfFiles(present);
  return found;
}

function absent(): SharedState {
  return { state: 'absent', hashes: {}, texts: {} };
}

function merge(id: string, holders: readonly Holder[], problems: SharedProblem[]): SharedState {
  const state = absent();
  const intact = holders.filter((holder) => !holder.drifted);
  const sources = intact.length > 0 ? intact : holders;
  for (const item of new Set(sources.flatMap((holder) => Object.keys(holder.hashes)))) {
    const groups = Map.groupBy(
      sources.filter((holder) => holder.hashes[item] !== undefined),
      (holder) => holder.hashes[item]!,
    );
    if (groups.size > 1) {
      const sides = [...groups].map(
        ([hash, side]) =>
          `${side.map((holder) => holder.host).join(', ')} ${side.length > 1 ? 'have' : 'has'} ${hash.slice(0, 8)}…`,
      );
      problems.push({ message: `${id} differs (${item}): ${sides.join('; ')}`, hint: DIFFERS });
      continue;
    }
    for (const [hash, side] of groups) {
      state.hashes[item] = hash;
      const text = side.find((holder) => holder.texts[item] !== undefined)?.texts[item];
      if (text !== undefined) state.texts[item] = text;
    }
  }
  if (sources.length === 0) return state;
  // The one that has most can give most.
  const from = [...sources].sort((a, b) => Object.keys(b.hashes).length - Object.keys(a.hashes).length)[0]?.host;
  return { ...state, state: 'held', ...(from === undefined ? {} : { from }) };
}

/** A bundle that is gone everywhere is the authority's own certificate again. */
function deriveBundle(state: SharedState): void {
  const cert = state.texts['cert'];
  if (cert === undefined || state.hashes['bundle'] !== undefined) return;
  state.texts['bundle'] = cert;
  state.hashes['bundle'] = sha256(cert);
}

function missingItems(
  id: string,
  state: SharedState,
  places: readonly { host: string; resource: SharedSecretResource }[],
): SharedProblem[] {
  const items = new Set(places.flatMap(({ resource }) => resource.files.map((file) => file.item)));
  const missing = [...items].filter((item) => state.hashes[item] === undefined);
  const holders = places.filter(({ resource }) => resource.holder).map(({ host }) => host);
  return missing.map((item) => ({
    message: `${id} is incomplete: ${state.from ?? ''} has a part of it, but ${item} is on none of ${holders.join(', ')}`,
    hint: LOST,
  }));
}

/** An authority that nobody has must not be made anew under leaves that the old one signed. */
function dependents(id: string, hosts: readonly SharedHost[]): SharedProblem[] {
  const problems: SharedProblem[] = [];
  const add = (what: string): number => problems.push({ message: `${id} is on no host, but ${what}`, hint: LOST });
  for (const { host, resources, observed, etcdData } of hosts) {
    // All of them: who removes what is named shall not have to come back for the next.
    const leaves = resources.flatMap((each) =>
      each.kind === 'certificate' && each.authority === id && observed.paths[each.path] !== undefined
        ? [each.path]
        : [],
    );
    if (leaves.length > 0) add(`${host} has ${leaves.join(', ')}, which it signed`);
    else if (etcdData) add(`etcd has data on ${host}`);
  }
  return problems;
}
