import { rests } from './identity.ts';
import { sysctlKey, sysctlValue } from '../core/sysctls.ts';
import type { ResourceKind, SysctlResource } from './types.ts';

export const sysctl: ResourceKind<SysctlResource> = {
  id: (resource) => resource.key,
  paths: () => [],
  reads(resource, into) {
    into.sysctls.push(resource.key);
  },

  compare({ key, value }, observed) {
    const seen = observed.sysctls[sysctlKey(key)];
    const wanted = sysctlValue(value);
    if (seen !== undefined && sysctlValue(seen) === wanted)
      return { result: 'unchanged', reason: `is ${wanted}`, hash: wanted };
    return {
      result: 'change',
      verb: 'update',
      reasons: [seen === undefined ? 'not there yet' : `${sysctlValue(seen)} → ${wanted}`],
      hash: wanted,
      rests: rests(seen),
    };
  },

  converge: ({ key, value }) => Promise.resolve([{ op: 'sysctl', key, value }]),
  // What was before is not known; the next boot sets the kernel's own.
  remove: () => [],
  implied: () => [],
  title: ({ key, value }) => `${key} = ${value}`,
};
