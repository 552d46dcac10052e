import { rests } from './identity.ts';
import { impliedByPath } from './implied.ts';
import type { LinkResource, ResourceKind } from './types.ts';

export const link: ResourceKind<LinkResource> = {
  id: (resource) => resource.path,
  paths: (resource) => [resource.path],
  reads(resource, into) {
    into.paths.push(resource.path);
  },

  compare({ path, target }, observed) {
    const seen = observed.paths[path];
    if (seen?.type === 'link' && seen.target === target)
      return { result: 'unchanged', reason: `leads to ${target}`, hash: target };
    const reason =
      seen === undefined
        ? 'absent'
        : seen.type === 'link'
          ? `leads to ${seen.target ?? ''}`
          : `a ${seen.type} is there, not a link`;
    return {
      result: 'change',
      verb: seen === undefined ? 'create' : 'update',
      reasons: [reason],
      hash: target,
      rests: rests(seen),
      diff: { before: seen?.target === undefined ? '' : `${seen.target}\n`, after: `${target}\n` },
    };
  },

  converge: ({ path, target }) => Promise.resolve([{ op: 'link', path, target }]),
  remove: (id) => [{ op: 'remove', path: id }],
  implied: (resource) => impliedByPath(resource.path),
  title: (resource) => resource.path,
};
