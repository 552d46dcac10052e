import type { HostFacts, OwnedEntry } from '../../cluster/facts.ts';
import { parseObjectId } from '../../cluster/objects.ts';
import { KINDS, isKind, pathsOf, ref } from '../../resources/kinds.ts';
import type { Change, Resource } from '../../resources/types.ts';
import { API } from '../../core/places.ts';
import type { PlanItem, StateTree } from '../types.ts';
import { removalOf } from './owned.ts';

interface Removal {
  stage: string;
  host: string;
  item: PlanItem;
}

export interface RemovalInput {
  tree: StateTree;
  facts: ReadonlyMap<string, HostFacts>;
  /** ref → stage of what mcpk owns in the API. */
  apiOwned: ReadonlyMap<string, string>;
  /** What of it leaves: ref → what the object itself is like. */
  apiLeaving?: ReadonlyMap<string, Leaving>;
}

/** What an object that kube-system/mcpk-owned lists is really like; `ours` is undefined where that is not known. */
export type Leaving =
  | { ours: true; path: string; uid: string }
  | { ours: false; gone: boolean; why: string }
  | { ours: undefined; why: string };

/** Refs of what mcpk owns in the API and no stage describes. */
export function leavingFromApi(input: Pick<RemovalInput, 'tree' | 'apiOwned'>): string[] {
  const api = [...input.apiOwned].map(([name, stage]): OwnedEntry => ({ ref: name, hash: '', stage }));
  return leavingFrom(input.tree, API, api).leaving.map((entry) => entry.ref);
}

/** What is owned on a host, or in the API, and leaves; and what is described there. */
export function leavingFrom(
  tree: StateTree,
  host: string,
  owned: readonly OwnedEntry[],
): { leaving: OwnedEntry[]; paths: ReadonlySet<string>; resources: Resource[] } {
  const resources = tree.stages.flatMap((stage) =>
    stage.hosts.filter((states) => states.host === host).flatMap((states) => states.resources),
  );
  const described = new Set<string>(resources.map((resource) => ref(resource)));
  // The same path under another kind (a file that became a link, or the key of a certificate) is replaced.
  const paths = new Set(resources.flatMap((resource) => pathsOf(resource)));
  const deferred = new Set(tree.stages.filter((stage) => stage.deferred !== undefined).map((stage) => stage.name));
  // Of a host that goes as a whole a deferred stage will describe nothing either.
  const isWhole = resources.length === 0 && tree.stages.some(({ takes = [] }) => takes.includes(host));
  const leaving = owned.filter(
    (entry) =>
      !described.has(entry.ref) &&
      isKind(entry.ref.slice(0, entry.ref.indexOf(':'))) &&
      (isWhole || !deferred.has(entry.stage)) &&
      !paths.has(entry.ref.slice(entry.ref.indexOf(':') + 1)),
  );
  return { leaving, paths, resources };
}

/** Owned but no longer described: settings, addons and units also leave. Units first, folders last. */
export function removals(input: RemovalInput): Removal[] {
  const found: Removal[] = [];
  for (const [host, owned] of ownedEntries(input)) {
    const stages = stagesFor(host, input.tree);
    const { leaving, paths, resources } = leavingFrom(input.tree, host, owned);
    const objects = new Set(resources.flatMap((each) => (each.kind === 'kubeObject' ? [sameObject(each.id)] : [])));
    const known = leaving.filter(({ ref: name }) => host !== API || input.apiLeaving?.get(name)?.ours !== undefined);
    for (const entry of known.toSorted((a, b) => removalRank(b.ref) - removalRank(a.ref))) {
      const separator = entry.ref.indexOf(':');
      const id = entry.ref.slice(separator + 1);
      const kind = entry.ref.slice(0, separator);
      found.push({
        stage: stages.includes(entry.stage) ? entry.stage : (stages.at(-1) ?? ''),
        host,
        item: {
          ref: entry.ref,
          title: id,
          kind,
          comparison: {
            result: 'change',
            ...(host === API ? partingOf(id, objects, input.apiLeaving?.get(entry.ref)) : LEAVES),
            hash: '',
            rests: entry.hash,
            ...(kind !== 'kubeObject' && removalOf(entry.ref, entry, paths).length === 0
              ? { specification: ['left on the host, no longer looked after'] }
              : {}),
          },
        },
      });
    }
  }
  return found;
}

/**
 * Names of the stages with which things may leave a host, in order. What a stage laid that mcpk no longer has leaves
 * with the last of them (leftovers.ts). Objects leave with a stage of the API, whatever their list says.
 */
function stagesFor(host: string, { stages }: StateTree): string[] {
  const taker = stages.find(({ takes = [] }) => takes.includes(host));
  if (taker) return [taker.name];
  const ofApi = stages.filter((stage) => stage.hosts.some((states) => states.host === API));
  return (host === API && ofApi.length > 0 ? ofApi : stages).map((stage) => stage.name);
}

/** What mcpk owns on every host, and in the API. */
function ownedEntries(input: RemovalInput): [string, readonly OwnedEntry[]][] {
  const api = [...input.apiOwned].map(([name, stage]): OwnedEntry => ({ ref: name, hash: '', stage }));
  return [...[...input.facts].map(([host, { owned }]): [string, readonly OwnedEntry[]] => [host, owned]), [API, api]];
}

/** Lower leaves first (items are put in front one by one, so the list is walked from the back). */
function removalRank(name: string): number {
  return Object.keys(KINDS).indexOf(name.slice(0, name.indexOf(':')));
}

/** Only what is ours is deleted, and nothing that is described by another id. */
function partingOf(id: string, described: ReadonlySet<string>, leaving: Leaving | undefined): Parting {
  if (described.has(sameObject(id))) return { verb: 'forget', reasons: ['described by another id'] };
  if (leaving?.ours !== false) return LEAVES;
  return { verb: 'forget', reasons: [leaving.gone ? leaving.why : `left as it is: ${leaving.why}`] };
}

type Parting = Pick<Change, 'verb' | 'reasons'>;
const LEAVES: Parting = { verb: 'remove', reasons: ['no longer described by the inventory'] };

/** Equal for ids that may name one object: of several versions of a kind, with `default` written out or not. */
function sameObject(id: string): string {
  const { apiVersion, kind, namespace, name } = parseObjectId(id);
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return [group, kind.toLowerCase(), namespace === '' ? 'default' : namespace, name].join('/');
}
