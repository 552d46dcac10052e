import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ARCH } from './paths.ts';
import { run } from './run.ts';

export interface ContainerImage {
  /** Path in the registry, without its host: `coredns/coredns`. */
  repository: string;
  tag: string;
  /** A folder on the machine that becomes the image's root; what follows is put over it. */
  tree?: string;
  /** Path in the image → file on the machine. */
  files: Readonly<Record<string, string>>;
  /** Path in the image → path it points to. */
  links?: Readonly<Record<string, string>>;
  /** Path in the image → text. */
  texts?: Readonly<Record<string, string>>;
  /** Folders that any user may write to. */
  writable?: readonly string[];
  user?: string;
  environment?: Readonly<Record<string, string>>;
  entrypoint?: readonly string[];
  command?: readonly string[];
}

const MEDIA = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

const SEARCH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/**
 * Packs an image of one layer and puts it into the storage of a docker-registry that serves `store`.
 * The storage's layout is written directly: no registry has to run, and the result can be cached.
 */
export async function packImage(store: string, image: ContainerImage): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'mcpk-lab-image-'));
  try {
    const tar = await packLayer(work, image);
    const layer = await putBlob(store, MEDIA.layer, await gzip(tar));
    const config = await putBlob(store, MEDIA.config, json(imageConfig(image, digestOf(await readFile(tar)))));
    const manifest = await putBlob(
      store,
      MEDIA.manifest,
      json({ schemaVersion: 2, mediaType: MEDIA.manifest, config, layers: [layer] }),
    );
    const repository = join(store, 'docker/registry/v2/repositories', image.repository);
    for (const blob of [layer, config]) await putLink(join(repository, '_layers', folderOf(blob.digest)), blob.digest);
    const tag = join(repository, '_manifests/tags', image.tag);
    await putLink(join(repository, '_manifests/revisions', folderOf(manifest.digest)), manifest.digest);
    await putLink(join(tag, 'index', folderOf(manifest.digest)), manifest.digest);
    await putLink(join(tag, 'current'), manifest.digest);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function packLayer(work: string, image: ContainerImage): Promise<string> {
  const root = join(work, 'root');
  if (image.tree !== undefined) await run(['cp', '-a', image.tree, root]);
  const writable = ['tmp', ...(image.writable ?? [])];
  for (const folder of [...writable, 'etc', 'bin']) await mkdir(join(root, folder), { recursive: true });
  for (const [path, source] of Object.entries(image.files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await run(['install', '-m', '0755', source, join(root, path)]);
  }
  for (const [path, target] of Object.entries(image.links ?? {})) await run(['ln', '-sfn', target, join(root, path)]);
  for (const [path, text] of Object.entries(image.texts ?? {})) await writeFile(join(root, path), text);
  await run(['chmod', '1777', ...writable.map((folder) => join(root, folder))]);
  const tar = join(work, 'layer.tar');
  // Nothing of this machine or this hour goes in: the same input gives the same digest.
  const plain = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  await run(['tar', '-C', root, ...plain, '-cf', tar, '.']);
  return tar;
}

async function gzip(tar: string): Promise<Buffer> {
  await run(['gzip', '-1', '-n', '-k', tar]);
  return readFile(`${tar}.gz`);
}

function imageConfig(image: ContainerImage, diffId: string): object {
  return {
    architecture: ARCH,
    os: 'linux',
    config: {
      Env: Object.entries({ PATH: SEARCH, ...image.environment }).map(([name, value]) => `${name}=${value}`),
      WorkingDir: '/',
      ...(image.user === undefined ? {} : { User: image.user }),
      ...(image.entrypoint === undefined ? {} : { Entrypoint: image.entrypoint }),
      ...(image.command === undefined ? {} : { Cmd: image.command }),
    },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    // Under its own digest, what is the same by several names is told apart on the hosts.
    history: [{ created_by: `mcpk lab ${image.repository}:${image.tag}` }],
  };
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const folderOf = (digest: string): string => digest.replace(':', '/');

async function putBlob(store: string, mediaType: string, bytes: Buffer): Promise<Descriptor> {
  const digest = digestOf(bytes);
  const hash = digest.slice('sha256:'.length);
  const folder = join(store, 'docker/registry/v2/blobs/sha256', hash.slice(0, 2), hash);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'data'), bytes);
  return { mediaType, digest, size: bytes.length };
}

async function putLink(folder: string, digest: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'link'), digest);
}
