import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/process.ts';

export const ARCHITECTURE = readText('docs/architecture.md');

/** A file of the repository, by its path from the root. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** What stands below a heading, up to the next one of its level or above. */
export function section(text: string, heading: string): string {
  const level = heading.indexOf(' ');
  const start = text.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`there is no heading ${heading}`);
  const below = text.slice(start + heading.length + 2);
  return below.slice(0, below.search(new RegExp(`^#{1,${String(level)}} |$(?![^])`, 'm')));
}

/** What a pattern finds in a text: its first group, or all of it where it has none. */
export function found(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([all, ...groups]) => groups.find((group) => group !== undefined) ?? all);
}
