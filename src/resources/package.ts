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
    // No version that nobody wants: it is known only after an install, and a unit's stamp must not change on the next run.
    const hash = `package ${wantedName(resource)}`;
    const installed = seen?.status === 'installed';
    const isOther = isOfOtherVersion(resource, observed);
    if (installed && !isOther && (!hold || seen.held)) {
      return { result: 'unchanged', reason: `${seen.version} is installed${seen.held ? ' and held' : ''}`, hash };
    }
    const reason = installed
      ? isOther
        ? `${seen.version} → ${resource.version ?? ''}`
        : `${seen.version} is not held`
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
      ...(isOther ? { irreversible: 'the version of a package before is not put back' } : {}),
    };
  },

  converge(resource, change, _materials, observed) {
    const { name, units, hold, moves } = resource;
    if (change.verb === 'update' && !isOfOtherVersion(resource, observed))
      return Promise.resolve([{ op: 'run', argv: ['apt-mark', 'hold', name] }]);
    return Promise.resolve([
      {
        op: 'install',
        packages: [wantedName(resource)],
        mask: units,
        hold: hold ? [name] : [],
        replaced: replaced(resource, observed),
        ...(moves === undefined ? {} : { moved: moves }),
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

/** As apt-get takes it. */
function wantedName({ name, version }: PackageResource): string {
  return version === undefined ? name : `${name}=${version}`;
}

function isOfOtherVersion({ name, version }: PackageResource, { packages }: Observed): boolean {
  const seen = packages[name];
  return version !== undefined && seen?.status === 'installed' && seen.version !== version;
}
