import { isMap } from '../core/merge.ts';
import type { ClusterInput } from './input.ts';
import type { SchemaMistake } from './explain.ts';
import type { Path } from './node.ts';

/** Lists of maps with settings that an entry cannot be without. */
const NEEDED: Readonly<Record<string, readonly string[]>> = { hosts: ['name', 'address'] };
/** Whatever else is wrong with a host, its address may be another's, or in a network of pods. */
const ROLES = 'roles';
const WHOLE = ['registries', 'manifests', 'jump', 'jwt', 'plugins', 'files'];

/**
 * Input without what the schema found wrong, so that the semantic checks can look at the rest and all mistakes are
 * told at once. Hosts keep their places: one that cannot be used leaves a hole, one whose roles are wrong has none.
 * `cut` are the paths of what is left out.
 */
export function prune(
  value: unknown,
  wrong: readonly Pick<SchemaMistake, 'at' | 'meant'>[],
): { input: ClusterInput; cut: readonly Path[] } {
  const cut = wrong.map(({ at, meant }) => (meant === undefined ? shorten(at) : at));
  const pruned = pruneValue(value, [], new Set(cut.map((path) => JSON.stringify(path))));
  const input = isMap(pruned) ? pruned : {};
  return {
    input: {
      ...input,
      name: typeof input['name'] === 'string' ? input['name'] : '',
      hosts: Array.isArray(input['hosts']) ? input['hosts'] : [],
    },
    cut,
  };
}

function pruneValue(value: unknown, path: Path, cut: ReadonlySet<string>): unknown {
  if (path.length > 0 && cut.has(JSON.stringify(path))) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item, index) => pruneValue(item, [...path, index], cut));
    if (path.length === 1 && path[0] === 'hosts')
      return items.map((host) => (isMap(host) ? { [ROLES]: [], ...host } : host));
    return items.filter((item) => item !== undefined);
  }
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => {
      const kept = pruneValue(child, [...path, key], cut);
      return kept === undefined ? [] : [[key, kept]];
    }),
  );
}

/** A wrong setting that its entry needs takes the entry with it. */
function shorten(path: Path): Path {
  const [list, index, setting] = path;
  if (typeof list === 'string' && typeof index === 'number' && NEEDED[list]?.includes(String(setting)) === true)
    return [list, index];
  if (list === 'hosts' && setting === ROLES) return path.slice(0, 3);
  const at = path.findIndex((part, i) => typeof part === 'number' && WHOLE.includes(String(path[i - 1])));
  return at === -1 ? path : path.slice(0, at + 1);
}
