import { packageText } from '../../core/package-files.ts';

const FOLDER = 'src/engine/wire/scripts';

/** The parts of converge, in the order in which they are joined: what all use first, the entry last. */
export const CONVERGE_PARTS = [
  'head',
  'journal',
  'keep',
  'files',
  'packages',
  'units',
  'system',
  'undo',
  'deadman',
  'run',
  'main',
].map((part) => `${FOLDER}/converge/${part}.sh`);

/** The fixed scripts that a host is given, by the name of their request. */
export function loadScripts(): Record<'probe' | 'converge' | 'prune', string> {
  return {
    probe: script(`${FOLDER}/probe.sh`),
    converge: CONVERGE_PARTS.map(script).join('\n'),
    prune: script(`${FOLDER}/prune.sh`),
  };
}

/** Without comments: nobody reads them on a host, and each run sends them. What lint is told stays: it reads converge. */
function script(path: string): string {
  return packageText(path).replaceAll(/^ *#(?!!| shellcheck ).*\n/gm, '');
}
