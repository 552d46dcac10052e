import { McpkError } from '../../core/errors.ts';
import { parseForeignJson } from '../../core/json.ts';
import { isMap } from '../../core/merge.ts';
import { MANAGED, MANAGER, parseObjectId } from '../../cluster/objects.ts';
import type { Change } from '../../resources/types.ts';
import { readObjects, type ObjectReader } from './read-objects.ts';

/** What an object that the list of ours names is like in truth; `ours` is undefined where that is not known. */
export type Leaving =
  | { ours: true; path: string; uid: string }
  | { ours: false; gone: boolean; why: string }
  | { ours: undefined; why: string };

/**
 * Looks at the objects themselves: the list only says where to look, as others may write into it. Ours is what has
 * mcpk's label and was applied by mcpk.
 *
 * @throws McpkError `unexpected` when the API server did not answer all of it
 */
export async function judgeLeaving(reader: ObjectReader, refs: readonly string[]): Promise<Map<string, Leaving>> {
  if (refs.length === 0) return new Map();
  const ids = refs.map((ref) => ref.slice('kubeObject:'.length));
  const found = await readObjects(reader, ids);
  return new Map(
    refs.map((ref, index): [string, Leaving] => {
      const id = ids[index] ?? '';
      const seen = found.get(id);
      if (seen === undefined)
        throw new McpkError('unexpected', `${reader.host}: its API server went away while it was read`, {
          host: reader.host,
          hint: 'Run the same command again.',
        });
      if (seen === 'untold') return [ref, { ours: undefined, why: 'the API server does not tell what it is' }];
      if (typeof seen === 'string') return [ref, { ours: false, gone: true, why: 'it is gone already' }];
      return [ref, judge(id, seen)];
    }),
  );
}

function judge(id: string, { json, path }: { json: string; path: string }): Leaving {
  const live = parseForeignJson(json) as { kind?: unknown; metadata?: unknown };
  const { uid, labels, managedFields } = (isMap(live.metadata) ? live.metadata : {}) as Readonly<
    Record<string, unknown>
  >;
  const left = (why: string): Leaving => ({ ours: false, gone: false, why });
  if (live.kind !== parseObjectId(id).kind || typeof uid !== 'string') return left('it is of another kind');
  for (const [label, value] of Object.entries(MANAGED))
    if (!isMap(labels) || labels[label] !== value) return left(`it has no label ${label}=${value}`);
  const applied = (entry: unknown): boolean =>
    isMap(entry) && entry['manager'] === MANAGER && entry['operation'] === 'Apply';
  if (!Array.isArray(managedFields) || !managedFields.some(applied)) return left('mcpk did not apply it');
  return { ours: true, path, uid };
}

/** Only what is ours is deleted, and nothing that is described by another id. */
export function partingOf(id: string, described: ReadonlySet<string>, leaving: Leaving | undefined): Parting {
  if (described.has(sameObject(id))) return { verb: 'forget', reasons: ['described by another id'] };
  if (leaving?.ours !== false) return LEAVES;
  return { verb: 'forget', reasons: [leaving.gone ? leaving.why : `left as it is: ${leaving.why}`] };
}

type Parting = Pick<Change, 'verb' | 'reasons'>;
export const LEAVES: Parting = { verb: 'remove', reasons: ['no longer described by the inventory'] };

/** Equal for ids that may name one object: of several versions of a kind, with `default` written out or not. */
export function sameObject(id: string): string {
  const { apiVersion, kind, namespace, name } = parseObjectId(id);
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return [group, kind.toLowerCase(), namespace === '' ? 'default' : namespace, name].join('/');
}
