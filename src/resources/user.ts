import { rests } from './identity.ts';
import type { ResourceKind, UserResource } from './types.ts';

export const user: ResourceKind<UserResource> = {
  id: (resource) => resource.name,
  paths: () => [],
  reads(resource, into) {
    into.users.push(resource.name);
  },

  compare({ name, group, home }, observed) {
    const seen = observed.users[name];
    const hash = `user ${name}:${group} ${home}`;
    const reasons =
      seen === undefined
        ? ['absent']
        : [
            ...(seen.group === group ? [] : [`group ${seen.group} → ${group}`]),
            ...(seen.home === home ? [] : [`home ${seen.home} → ${home}`]),
            ...(/\/(nologin|false)$/.test(seen.shell) ? [] : [`can log in with ${seen.shell}`]),
          ];
    if (reasons.length === 0) return { result: 'unchanged', reason: 'group, home and shell are as wanted', hash };
    return { result: 'change', verb: seen === undefined ? 'create' : 'update', reasons, hash, rests: rests(seen) };
  },

  converge: ({ name, group, home }) => Promise.resolve([{ op: 'user', name, group, home }]),
  // Files may still belong to it; a number that is given out again would inherit them.
  remove: () => [],
  implied: () => [],
  title: (resource) => resource.name,
};
