import { existsSync, opendirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { globMatches } from '../core/glob.ts';

/** Of names in folders; whoever wrote the `Include` may point it at any folder of this machine. */
const MOST_NAMES = 4096;
/** PATH_MAX. */
const LONGEST_PATH = 4096;

/** How many names the Includes of an ssh_config have been compared with so far. */
export interface Looked {
  names: number;
}

/**
 * The files that an argument of `Include` means, in order. Relative ones lie beside the including file (in `folder`), or
 * in ~/.ssh as OpenSSH has it. Throws an `Error` for a pattern that is not understood, or that looks at too much.
 */
export function includedFiles(pattern: string, folder: string, looked: Looked): string[] {
  if (pattern.length > LONGEST_PATH) throw new Error(`a path is longer than ${LONGEST_PATH} characters`);
  // As glob(3) has it a set or an escape; taken as it stands, a file would be passed over that ssh reads.
  if (/[[\\]/.test(pattern)) throw new Error('patterns are made of * and ? only, without [ and \\');
  const path = expandHome(pattern);
  if (isAbsolute(path)) return filesOf('/', path, looked);
  const beside = filesOf(join(folder, '/'), path, looked);
  return beside.length > 0 ? beside : filesOf(join(homedir(), '.ssh', '/'), path, looked);
}

/** `~/x` of the user who runs mcpk. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

/** `base` is taken as it stands, and ends with a slash. */
function filesOf(base: string, pattern: string, looked: Looked): string[] {
  const parts = pattern.split('/').filter((part) => part !== '');
  return parts.reduce<string[]>(
    (found, part, index) => {
      const paths = found.flatMap((folder) => namesLike(part, folder, looked).map((name) => `${folder}${name}`));
      return index < parts.length - 1 ? paths.map((path) => `${path}/`) : paths;
    },
    [base],
  );
}

/** Names in a folder (with its slash) that match one part of a path; `*` and `?` do not stand for a first dot. */
function namesLike(part: string, folder: string, looked: Looked): string[] {
  if (!/[*?]/.test(part)) {
    look(looked);
    return existsSync(`${folder}${part}`) ? [part] : [];
  }
  return namesIn(folder, looked)
    .filter((name) => name.startsWith('.') === part.startsWith('.') && globMatches(part, name))
    .toSorted();
}

function namesIn(folder: string, looked: Looked): string[] {
  const names: string[] = [];
  try {
    const open = opendirSync(folder);
    try {
      for (let entry = open.readSync(); entry !== null; entry = open.readSync()) {
        look(looked);
        names.push(entry.name);
      }
    } finally {
      open.closeSync();
    }
  } catch (error) {
    // No folder, or not ours to read: ssh passes it over too.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
  return names;
}

function look(looked: Looked): void {
  looked.names += 1;
  if (looked.names > MOST_NAMES) throw new Error(`its patterns have to look at more than ${MOST_NAMES} names`);
}
