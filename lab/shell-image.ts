import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from './machine.ts';
import type { ContainerImage } from './oci.ts';
import { CACHE } from './paths.ts';
import { run } from './run.ts';

/** A busybox that runs anywhere, and the programs that it is. */
export interface Shell {
  busybox: string;
  applets: readonly string[];
}

/** An image without its name. */
export type Content = Omit<ContainerImage, 'repository' | 'tag'>;

/** As pause: ends when told to, and reaps what pods with a shared process namespace leave to it. */
const PAUSE = 'trap "exit 0" TERM INT; while :; do sleep 86400 & wait $!; done';

export const USERS = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
};

/** Debian's busybox-static, out of the folder with the packages of the hosts' image. */
export async function shellOf(repository: string): Promise<Shell> {
  const directory = join(CACHE, 'tools', 'busybox');
  const busybox = join(directory, 'usr/bin/busybox');
  if (!(await exists(busybox))) {
    const deb = (await readdir(repository)).find((name) => name.startsWith('busybox-static_')) ?? '';
    await mkdir(directory, { recursive: true });
    await run(['dpkg-deb', '-x', join(repository, deb), directory]);
  }
  const names = (await run([busybox, '--list'])).trim().split('\n');
  return { busybox, applets: names.filter((name) => name !== 'busybox') };
}

export function shellImage({ busybox, applets }: Shell): Content {
  return {
    files: { 'bin/busybox': busybox },
    links: Object.fromEntries(applets.map((name) => [`bin/${name}`, 'busybox'])),
    texts: USERS,
    command: ['sh'],
  };
}

export function pauseImage(shell: Shell): Content {
  return { ...shellImage(shell), entrypoint: ['/bin/sh', '-c', PAUSE], command: [] };
}
