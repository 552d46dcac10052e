import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackWithDependencies } from './apt.ts';
import { run } from './run.ts';
import type { Shell } from './shell-image.ts';

/** Only needed while packages are installed, or read by people. */
const SUPERFLUOUS = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/lintian', 'var'];

/** An image's root with these packages of Debian; busybox is what none of them brings. `root` must not be there. */
export async function debianTree(root: string, packages: readonly string[], shell: Shell): Promise<string> {
  await mkdir(root, { recursive: true });
  await unpackWithDependencies(packages, root);
  for (const path of SUPERFLUOUS) await rm(join(root, path), { recursive: true, force: true });
  await run(['install', '-m', '0755', shell.busybox, join(root, 'usr/bin/busybox')]);
  await run(['sh', '-c', LINK_APPLETS, 'sh', root, ...shell.applets]);
  return root;
}

const LINK_APPLETS = `root=$1; shift
for name; do
  [ -e "$root/usr/bin/$name" ] || [ -e "$root/usr/sbin/$name" ] || ln -s busybox "$root/usr/bin/$name"
done`;
