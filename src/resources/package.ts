import { rests } from './identity.ts';
import type { PackageResource, ResourceKind } from './types.ts';

export const packageKind: ResourceKind<PackageResource> = {
  id: (resource) => resource.name,
  paths: () => [],
  reads(resource, into) {
    into.packages.push(resource.name);
  },

  compare({ name, hold }, observed) {
    const seen = observed.packages[name];
    // Not the version: it is known only after an install, and a unit's stamp must not change on the next run.
    const hash = `package ${name}`;
    const installed = seen?.status === 'installed';
    if (installed && (!hold || seen.held)) {
      return { result: 'unchanged', reason: `${seen.version} is installed${seen.held ? ' and held' : ''}`, hash };
    }
    const reason = installed
      ? `${seen.version} is not held`
      : seen === undefined || seen.status === 'config-files'
        ? 'not installed'
        : `dpkg says ${seen.status}`;
    return {
      result: 'change',
      verb: installed ? 'update' : 'install',
      reasons: [reason],
      hash,
      rests: rests(seen),
      ...(installed ? {} : { irreversible: 'packages are not taken off again' }),
    };
  },

  converge({ name, units, hold }, change) {
    if (change.verb === 'update') return Promise.resolve([{ op: 'run', argv: ['apt-mark', 'hold', name] }]);
    return Promise.resolve([{ op: 'install', packages: [name], mask: units, hold: hold ? [name] : [] }]);
  },

  // Others may have come to need it.
  remove: () => [],
  implied: () => [],
  title: (resource) => resource.name,
};
