import { sha256 } from './identity.ts';
import type { Ref, UnitInput, UnitResource } from './types.ts';

/** Its inputs, with its own unit file and what else of systemd's it is known to be made of. */
export function inputsOf(resource: UnitResource): UnitInput[] {
  const own: Ref = `file:/etc/systemd/system/${resource.name}`;
  return resource.inputs.some((input) => input.ref === own)
    ? resource.inputs
    : [...resource.inputs, { ref: own, on: 'restart' }];
}

/**
 * What a start of the unit is stamped with: digests over `HASH  REF` of its inputs that call for a restart, and for
 * a reload. `hashOf` gives '' for what is no resource of the host.
 */
export function unitDigests(resource: UnitResource, hashOf: (ref: Ref) => string): { restart: string; reload: string } {
  const digest = (on: UnitInput['on']): string => {
    const lines = inputsOf(resource).flatMap((input) => {
      const hash = input.on === on ? hashOf(input.ref) : '';
      return hash === '' ? [] : [`${hash}  ${input.ref}`];
    });
    return sha256(lines.sort().join('\n'));
  };
  return { restart: digest('restart'), reload: digest('reload') };
}
