import { moduleName } from './module-name.ts';
import { rests } from './identity.ts';
import type { KernelModuleResource, ResourceKind } from './types.ts';

export const kernelModule: ResourceKind<KernelModuleResource> = {
  id: (resource) => resource.name,
  paths: () => [],
  reads({ name, evidence }, into) {
    into.modules.push({ name, ...(evidence === undefined ? {} : { evidence }) });
  },

  compare({ name }, observed) {
    const hash = `module ${name}`;
    const there = observed.modules[moduleName(name)];
    if (there) return { result: 'unchanged', reason: 'loaded or built in', hash };
    return { result: 'change', verb: 'run', reasons: ['not loaded'], hash, rests: rests(there) };
  },

  converge: ({ name }) => Promise.resolve([{ op: 'modprobe', name }]),
  remove: () => [],
  implied: () => [],
  title: (resource) => resource.name,
};
