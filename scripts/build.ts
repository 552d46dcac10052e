/**
 * `npm run build`: dist/ with the program in one file, and oclif's manifest. Each file is replaced as a whole, so
 * that whoever starts mcpk meanwhile gets the old program or the new one.
 */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Plugin } from '@oclif/core';
import { bundle } from './bundle.ts';
import { fromSources } from './from-sources.ts';
import { ROOT } from './process.ts';

const DIST = join(ROOT, 'dist');
const MANIFEST = 'oclif.manifest.json';

/** As `oclif manifest` does, without that tool's dependencies. */
async function writeManifest(file: string): Promise<void> {
  const plugin = new Plugin({ ...fromSources(), isRoot: true, errorOnManifestCreate: true, type: 'core' });
  await plugin.load();
  await writeFile(file, `${JSON.stringify(plugin.manifest)}\n`);
}

await mkdir(DIST, { recursive: true });
await mkdir(join(ROOT, '.cache'), { recursive: true });
const made = await mkdtemp(join(ROOT, '.cache', 'build-'));
try {
  await Promise.all([bundle(made), writeManifest(join(made, MANIFEST))]);
  const old = await readdir(DIST);
  await rename(join(made, MANIFEST), join(ROOT, MANIFEST));
  const files = await readdir(made);
  for (const name of files) await rename(join(made, name), join(DIST, name));
  // What builds of earlier versions left.
  for (const name of old.filter((each) => !files.includes(each)))
    await rm(join(DIST, name), { recursive: true, force: true });
} finally {
  await rm(made, { recursive: true, force: true });
}
