import { rm, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from './errors.ts';
import { exists } from './machine.ts';
import { CACHE, CLONE } from './paths.ts';
import { capture, run } from './run.ts';

/** The last commit of each release that clusters may have been made by. */
const RELEASES = { '0.1.0': 'd15c944f5851036e7498c35971992ca50ccde7d6' } as const;

export interface Release {
  /** Its sources, unpacked: inventories are in it. */
  sources: string;
  /** Words that run it. */
  mcpk: readonly string[];
}

/**
 * A former release of mcpk, packed out of this clone's history and installed from that package; kept in the cache.
 * Throws {@link LabError} where the clone has no such commit.
 */
export async function ensureRelease(version: keyof typeof RELEASES): Promise<Release> {
  const commit = RELEASES[version];
  const folder = join(CACHE, 'releases', `${version}-${commit.slice(0, 12)}`);
  if (!(await exists(folder))) await build(version, commit, folder);
  const installed = join(folder, 'installed', 'node_modules', 'mcpk', 'bin', 'run.js');
  return { sources: join(folder, 'sources'), mcpk: [process.execPath, installed] };
}

async function build(version: string, commit: string, folder: string): Promise<void> {
  if ((await capture(['git', 'cat-file', '-e', commit], { cwd: CLONE })).code !== 0) {
    throw new LabError(`mcpk ${version} is not in the history of this clone`, { hint: 'git fetch --unshallow' });
  }
  const work = `${folder}.${String(process.pid)}`;
  const sources = join(work, 'sources');
  const installed = join(work, 'installed');
  try {
    for (const path of [sources, installed]) await mkdir(path, { recursive: true });
    await run(['git', 'archive', '--format=tar', `--output=${work}/sources.tar`, commit], { cwd: CLONE });
    await run(['tar', '-xf', `${work}/sources.tar`, '-C', sources]);
    await run(['npm', 'ci', '--no-audit', '--no-fund'], { cwd: sources });
    await run(['npm', 'pack', '--pack-destination', work], { cwd: sources });
    await rm(join(sources, 'node_modules'), { recursive: true });
    await writeFile(join(installed, 'package.json'), '{}\n');
    const install = ['npm', 'install', '--no-audit', '--no-fund', '--omit=dev', join(work, `mcpk-${version}.tgz`)];
    await run(install, { cwd: installed });
    await rename(work, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
