import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * The build replaces this module by one that holds the texts (scripts/bundle.ts), so that the installed program
 * opens no file but its own.
 */

/** The folder of package.json. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A text that comes with the program, by its path from the root: `src/engine/wire/scripts/probe.sh`. */
export function packageText(path: string): string {
  return readFileSync(join(PACKAGE_ROOT, path), 'utf8');
}
