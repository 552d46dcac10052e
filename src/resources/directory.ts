import { differences, rests } from './identity.ts';
import { impliedByPath } from './implied.ts';
import type { CompareContext, DirectoryResource, Observed, Op, Ref, ResourceKind } from './types.ts';

export const directory: ResourceKind<DirectoryResource> = {
  id: (resource) => resource.path,
  paths: (resource) => [resource.path],
  // It changes with what others put into it.
  preconditions: () => [],
  reads(resource, into) {
    into.paths.push(resource.path);
    if (resource.exclusive) into.listings.push(resource.path);
  },

  compare(resource, observed, context) {
    const { path, mode, owner, group } = resource;
    const seen = observed.paths[path];
    const foreign = resource.exclusive ? undescribed(resource, observed, context) : [];
    const reasons = [
      ...(seen === undefined ? ['absent'] : differences(seen, { type: 'directory', mode, owner, group })),
      ...foreign.map((entry) => `${entry.slice(path.length + 1)} is not described by any stage`),
    ];
    const hash = `${mode} ${owner}:${group}`;
    if (reasons.length === 0) return { result: 'unchanged', reason: 'mode and owner are as wanted', hash };
    return {
      result: 'change',
      verb: seen === undefined ? 'create' : 'update',
      reasons,
      hash,
      // Its size changes with what others put into it.
      rests: rests({ seen: seen && { ...seen, size: 0 }, foreign }),
      ...(foreign.length > 0 ? { removes: foreign } : {}),
    };
  },

  converge({ path, mode, owner, group }, change) {
    const removals = (change.removes ?? []).map((entry): Op => ({ op: 'remove', path: entry }));
    return Promise.resolve([{ op: 'mkdir', path, mode, owner, group }, ...removals]);
  },

  // What lies in it is not ours to lose: a folder goes only when it is empty.
  remove: (id) => [{ op: 'rmdir', path: id }],
  implied: (resource) => impliedByPath(resource.path, resource.owner),
  title: (resource) => resource.path,
};

/** A folder is compared before what lies in it; what earlier runs laid there is known from owned.json. */
function undescribed({ path, except = [] }: DirectoryResource, observed: Observed, context: CompareContext): string[] {
  const entries = (observed.listings[path] ?? [])
    .filter((name) => !except.includes(name))
    .map((name) => `${path}/${name}`);
  const described = (entry: string): boolean =>
    (['file', 'link', 'directory', 'certificate'] as const).some((kind) => {
      const ref: Ref = `${kind}:${entry}`;
      return context.owned.has(ref) || context.of(ref) !== undefined;
    });
  return entries.filter((entry) => !described(entry)).sort();
}
