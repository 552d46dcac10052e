import { packageText } from '../../core/package-files.ts';

/** The fixed scripts that a host is given, by the name of their request. */
export function loadScripts(): Record<'probe' | 'converge' | 'prune', string> {
  const read = (name: string): string => packageText(`src/engine/wire/scripts/${name}.sh`);
  return { probe: read('probe'), converge: `${read('generations')}${read('converge')}`, prune: read('prune') };
}
