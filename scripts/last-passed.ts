/** When each file of the full tier last passed as a whole on this machine, and what was tested then. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Area } from './areas.ts';
import { ROOT, run } from './process.ts';

const FILE = join(ROOT, '.cache', 'full-tier.json');

export interface Pass {
  /** ISO time. */
  at: string;
  /** Short name of the commit, with a `+` where the clone had changes beside it. */
  commit: string;
}

/** By the file's path from the root. */
export type LastPassed = Readonly<Record<string, Pass>>;

/** Empty where there is no record yet, or a broken one: it is only told. */
export async function lastPassed(file: string = FILE): Promise<LastPassed> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as LastPassed;
  } catch {
    return {};
  }
}

export async function notePassed(files: readonly string[], pass: Pass, file: string = FILE): Promise<void> {
  const all = { ...(await lastPassed(file)), ...Object.fromEntries(files.map((each) => [each, pass])) };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(all, undefined, 2)}\n`);
}

/** What the clone has now, to be asked before the tests begin. */
export async function commitNow(): Promise<string> {
  const head = await run(['git', 'rev-parse', '--short=9', 'HEAD']);
  if (head.code !== 0) return 'no commit';
  const changed = await run(['git', 'status', '--porcelain']);
  return `${head.output.trim()}${changed.output === '' ? '' : '+'}`;
}

/** The areas with their files, and since when each is known to pass. */
export function listed(areas: Readonly<Record<string, Area>>, passed: LastPassed): string {
  const width = Math.max(...Object.values(areas).flatMap(({ files }) => files.map((file) => file.length)));
  const lines = Object.entries(areas).flatMap(([name, { about, files }]) => [
    `${name}: ${about}`,
    ...files.map((file) => `  ${file.padEnd(width)}  ${told(passed[file])}`),
  ]);
  const hasChanges = Object.values(passed).some(({ commit }) => commit.endsWith('+'));
  return [...lines, ...(hasChanges ? ['', '+ with changes that were not committed'] : [])].join('\n');
}

function told(pass: Pass | undefined): string {
  return pass ? `passed ${pass.at.slice(0, 16).replace('T', ' ')} UTC on ${pass.commit}` : 'has not passed here yet';
}
