import { rests } from './identity.ts';
import type { Observed, PackageResource, ResourceKind } from './types.ts';

export const packageKind: ResourceKind<PackageResource> = {
  id: (resource) => resource.name,
  paths: () => [],
  reads(resource, into) {
    into.packages.push(resource.name, ...(resource.replaces ?? []));
  },

  compare(resource, observed) {
    const { name, hold } = resource;
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
      reasons: [reason, ...(installed ? [] : replaced(resource, observed).map((other) => `${other} goes for it`))],
      hash,
      rests: rests(seen),
      ...(installed ? {} : { irreversible: 'packages are not taken off again' }),
    };
  },

  converge(resource, change, _materials, observed) {
    const { name, units, hold } = resource;
    if (change.verb === 'update') return Promise.resolve([{ op: 'run', argv: ['apt-mark', 'hold', name] }]);
    return Promise.resolve([
      {
        op: 'install',
        packages: [name],
        mask: units,
        hold: hold ? [name] : [],
        replaced: replaced(resource, observed),
      },
    ]);
  },

  // Others may have come to need it.
  remove: () => [],
  implied: () => [],
  title: (resource) => resource.name,
};

/** Of those that can't be beside it, what is there. */
function replaced({ replaces = [] }: PackageResource, { packages }: Observed): string[] {
  return replaces.filter((name) => packages[name]?.status === 'installed');
}
