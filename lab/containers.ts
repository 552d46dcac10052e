import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calicoImages, calicoManifest } from './calico.ts';
import { exists } from './machine.ts';
import { packImage, type ContainerImage } from './oci.ts';
import { CACHE } from './paths.ts';
import { pauseImage, shellImage, shellOf, USERS } from './shell-image.ts';
import { DEFAULT_VERSIONS, PAUSE_VERSION } from './versions.ts';

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

async function imagesOf(work: string, programs: Programs): Promise<ContainerImage[]> {
  const shell = await shellOf(programs.repository);
  const busybox = { ...shellImage(shell), repository: 'library/busybox' };
  return [
    { ...pauseImage(shell), repository: 'pause', tag: PAUSE_VERSION },
    { ...busybox, tag: '1' },
    { ...busybox, tag: 'latest' },
    {
      repository: 'coredns/coredns',
      tag: `v${DEFAULT_VERSIONS.coredns}`,
      files: { coredns: join(programs.coredns, 'coredns') },
      texts: USERS,
      entrypoint: ['/coredns'],
    },
    ...(await calicoImages(work, { ...programs, shell })),
  ];
}
