import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { goBuild } from './gobuild.ts';
import { artifactDirectory, CACHE } from './paths.ts';
import { identify } from './processes.ts';
import { COMPONENT_FILES, DEFAULT_VERSIONS, type Component } from './versions.ts';
import { download } from './upstream.ts';

export interface Binaries {
  component: Component;
  version: string;
  /** Folder with the programs and their SHA256SUMS. */
  directory: string;
  source: 'cached' | 'downloaded' | 'built';
}

/**
 * Gives the folder with a component's programs: from the cache, else from upstream's release, else
 * built from Go modules. The folder appears in the cache by one rename, so it is whole or absent.
 */
export async function ensureBinaries(
  component: Component,
  version: string = DEFAULT_VERSIONS[component],
  onWork: (what: string) => void = () => undefined,
): Promise<Binaries> {
  const directory = artifactDirectory(component, version);
  if (await isComplete(directory, component)) return { component, version, directory, source: 'cached' };
  await mkdir(CACHE, { recursive: true });
  const work = await workFolder(`${component}-${version}`);
  try {
    let source: Binaries['source'] = 'downloaded';
    if (!(await download(component, version, work))) {
      source = 'built';
      onWork(
        `${version}: upstream not reachable, building from Go modules${component === 'kubernetes' ? ', about ten minutes on two processors' : ''}`,
      );
      await goBuild(component, version, work);
    }
    await writeChecksums(join(work, 'bin'));
    await mkdir(dirname(directory), { recursive: true });
    await rm(directory, { recursive: true, force: true });
    await rename(join(work, 'bin'), directory);
    return { component, version, directory, source };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A folder named after this process; those of processes that were killed at work are removed. */
async function workFolder(name: string): Promise<string> {
  const prefix = `build-${name}-`;
  for (const entry of await readdir(CACHE)) {
    if (!entry.startsWith(prefix)) continue;
    if (identify(Number(entry.slice(prefix.length))) === undefined) {
      await rm(join(CACHE, entry), { recursive: true, force: true });
    }
  }
  const folder = join(CACHE, `${prefix}${process.pid}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

async function isComplete(directory: string, component: Component): Promise<boolean> {
  try {
    await Promise.all([...COMPONENT_FILES[component], 'SHA256SUMS'].map((name) => access(join(directory, name))));
    return true;
  } catch {
    return false;
  }
}

async function writeChecksums(directory: string): Promise<void> {
  const names = (await readdir(directory)).sort();
  const lines = await Promise.all(
    names.map(async (name) => {
      const hash = createHash('sha256');
      await pipeline(createReadStream(join(directory, name)), hash);
      return `${hash.digest('hex')}  ${name}\n`;
    }),
  );
  await writeFile(join(directory, 'SHA256SUMS'), lines.join(''));
}
