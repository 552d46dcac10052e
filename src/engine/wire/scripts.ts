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
    probe: packageText(`${FOLDER}/probe.sh`),
    converge: CONVERGE_PARTS.map((part) => withoutComments(packageText(part))).join('\n'),
    prune: packageText(`${FOLDER}/prune.sh`),
  };
}

/** Nobody reads them on a host, and each host is sent them; what lint is told stays, as it reads the joined script. */
function withoutComments(script: string): string {
  return script.replaceAll(/^ *#(?!!| shellcheck ).*\n/gm, '');
}
