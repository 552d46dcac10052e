import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calicoImages, calicoManifest } from './calico.ts';
import { exists } from './machine.ts';
import { packImage, type ContainerImage } from './oci.ts';
import { CACHE } from './paths.ts';
import { run } from './run.ts';
import { DEFAULT_VERSIONS, PAUSE_VERSION } from './versions.ts';

/** As pause: ends when told to, and reaps what pods with a shared process namespace leave to it. */
const PAUSE = 'trap "exit 0" TERM INT; while :; do sleep 86400 & wait $!; done';

export interface Store {
  directory: string;
  /** Upstream's calico.yaml for the images in it. */
  manifest: string;
  cached: boolean;
}

/** Folders on this machine with what images are packed from. */
interface Programs {
  /** Debian packages of the hosts' image. */
  repository: string;
  coredns: string;
  calico: string;
  cniPlugins: string;
}

/** Upstream's manifest of the Calico whose images the store has. */
const MANIFEST = 'calico.yaml';

/**
 * Gives a docker-registry storage folder with the images that the lab's cluster runs, by the paths
 * they have upstream, so that mirrors for registry.k8s.io and docker.io both lead here.
 */
export async function ensureStore(programs: Programs): Promise<Store> {
  const { coredns, calico } = DEFAULT_VERSIONS;
  const directory = join(CACHE, 'registry', `pause-${PAUSE_VERSION}_coredns-${coredns}_calico-${calico}`);
  const manifest = join(directory, MANIFEST);
  if (await exists(directory)) return { directory, manifest, cached: true };
  const work = `${directory}.tmp`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await writeFile(join(work, MANIFEST), await calicoManifest());
  const trees = join(work, 'trees');
  for (const image of await imagesOf(trees, programs)) await packImage(work, image);
  await rm(trees, { recursive: true, force: true });
  await rename(work, directory);
  return { directory, manifest, cached: false };
}

async function unpackBusybox(repository: string): Promise<string> {
  const directory = join(CACHE, 'tools', 'busybox');
  const program = join(directory, 'usr/bin/busybox');
  if (await exists(program)) return program;
  const deb = (await readdir(repository)).find((name) => name.startsWith('busybox-static_')) ?? '';
  await mkdir(directory, { recursive: true });
  await run(['dpkg-deb', '-x', join(repository, deb), directory]);
  return program;
}

async function imagesOf(work: string, programs: Programs): Promise<ContainerImage[]> {
  const busybox = await unpackBusybox(programs.repository);
  const users = {
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
    'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  };
  const applets = (await run([busybox, '--list']))
    .trim()
    .split('\n')
    .filter((name) => name !== 'busybox');
  const shell: ContainerImage = {
    repository: 'library/busybox',
    tag: '1',
    files: { 'bin/busybox': busybox },
    links: Object.fromEntries(applets.map((name) => [`bin/${name}`, 'busybox'])),
    texts: users,
    command: ['sh'],
  };
  return [
    { ...shell, repository: 'pause', tag: PAUSE_VERSION, entrypoint: ['/bin/sh', '-c', PAUSE], command: [] },
    shell,
    { ...shell, tag: 'latest' },
    {
      repository: 'coredns/coredns',
      tag: `v${DEFAULT_VERSIONS.coredns}`,
      files: { coredns: join(programs.coredns, 'coredns') },
      texts: users,
      entrypoint: ['/coredns'],
    },
    ...(await calicoImages(work, { ...programs, busybox, applets })),
  ];
}
