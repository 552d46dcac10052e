/** Builds dist/: compiled sources, the shell scripts beside them, and oclif's manifest for a quick start. */
import { cp, glob, mkdir, rm, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function compile(): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

/** Scripts that run on the hosts are read at run time from beside the module that sends them. */
async function copyScripts(): Promise<void> {
  for await (const path of glob('**/*.sh', { cwd: join(root, 'src') })) {
    const to = join(root, 'dist', path);
    await mkdir(dirname(to), { recursive: true });
    await cp(join(root, 'src', path), to);
  }
}

/** As `oclif manifest` does, without that tool's dependencies. */
async function writeManifest(): Promise<void> {
  const { Plugin } = await import('@oclif/core');
  const plugin = new Plugin({ root, ignoreManifest: true, errorOnManifestCreate: true, type: 'core' });
  await plugin.load();
  await writeFile(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest)}\n`);
}

await rm(join(root, 'dist'), { recursive: true, force: true });
await rm(join(root, 'oclif.manifest.json'), { force: true });
compile();
await copyScripts();
await writeManifest();
