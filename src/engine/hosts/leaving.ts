import { McpkError } from '../../core/errors.ts';
import { parseForeignJson } from '../../core/json.ts';
import { isMap } from '../../core/merge.ts';
import { MANAGED, MANAGER, parseObjectId } from '../../cluster/objects.ts';
import type { Leaving } from '../plan/removals.ts';
import { readObjects, type ObjectReader } from './read-objects.ts';

/**
 * Looks at the objects themselves: kube-system/mcpk-owned only says where to look, as others may write into it. Ours is
 * what has mcpk's label and was applied by mcpk.
 *
 * @throws McpkError `unexpected` when the API server did not answer all of it
 */
export async function judgeLeaving(from: ObjectReader, refs: readonly string[]): Promise<Map<string, Leaving>> {
  if (refs.length === 0) return new Map();
  const ids = refs.map((ref) => ref.slice('kubeObject:'.length));
  const found = await readObjects(from, ids);
  return new Map(
    refs.map((ref, index): [string, Leaving] => {
      const id = ids[index] ?? '';
      const seen = found.get(id);
      if (seen === undefined)
        throw new McpkError('unexpected', `${from.host}: its API server went away while it was read`, {
          host: from.host,
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
