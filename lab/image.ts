import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianMirror, downloadPackages, proxyEnvironment } from './apt.ts';
import { exists } from './machine.ts';
import { removeFolder } from './mounts.ts';
import { ARCH, CACHE, CLONE, STATE } from './paths.ts';
import { run } from './run.ts';
import { DEBIAN_SUITE } from './versions.ts';

/** A bare Debian server: what an installer would leave, and nothing that a stage of mcpk installs. */
const INSTALLED = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'openssh-server',
  'sudo',
  'iproute2',
  'procps',
  'kmod',
  'netbase',
  'iputils-ping',
  'ca-certificates',
  // Every Debian installer leaves it, and five packages that stages install want it.
  'perl',
];

/** What stages and tests install in a host; lies in the image's own repository with all it depends on. */
const AVAILABLE = [
  'haproxy',
  'keepalived',
  'containerd',
  'runc',
  'chrony',
  'socat',
  'conntrack',
  'nftables',
  'iptables',
  'ipset',
  'ebtables',
  'ethtool',
  'util-linux',
  'kmod',
  'faketime',
  'libfaketime',
  'docker-registry',
  'busybox-static',
  'strace',
  'curl',
  'jq',
  'tcpdump',
  'rsync',
  'acl',
  'logrotate',
  'ufw',
  'age',
  'stress-ng',
];

/** Where the image keeps its repository; its sources.list in lab/rootfs names the same place. */
const REPOSITORY = 'opt/lab-apt';
const ROOTFS = join(CLONE, 'lab', 'rootfs');
const CONFIGURE = join(CLONE, 'lab', 'configure-image.sh');
const IMAGES = join(CACHE, 'images');
const IMAGE_FILE = join(STATE, 'image');

export interface Image {
  root: string;
  /** The flat package repository inside it, as seen from the machine. */
  repository: string;
  cached: boolean;
}

/**
 * Gives the root folder that all hosts share as their lower layer. Its name carries a digest of all
 * that went into it, so that an old cache never serves a newer lab.
 */
export async function ensureImage(onWork: (what: string) => void): Promise<Image> {
  const settings = await settingsDigest();
  const root = join(IMAGES, `${DEBIAN_SUITE}-${ARCH}-${packagesDigest()}-${settings}`);
  const image = { root, repository: join(root, REPOSITORY) };
  if (await exists(root)) return { ...image, cached: true };
  const base = await ensureBase(onWork);
  const work = `${root}.tmp`;
  await removeFolder(work);
  await run(['cp', '-a', '--reflink=auto', base, work]);
  await configure(work);
  await rename(work, root);
  await prune([base, root, await imageInUse()]);
  return { ...image, cached: false };
}

/** The slow part, made once a release: packages only, none of the lab's own settings. */
async function ensureBase(onWork: (what: string) => void): Promise<string> {
  const base = join(IMAGES, `base-${DEBIAN_SUITE}-${ARCH}-${packagesDigest()}`);
  if (await exists(base)) return base;
  const work = `${base}.tmp`;
  await removeFolder(work);
  await mkdir(IMAGES, { recursive: true });
  onWork(`debootstrap ${DEBIAN_SUITE}, about a minute`);
  await run(
    ['debootstrap', '--variant=minbase', `--include=${INSTALLED.join(',')}`, DEBIAN_SUITE, work, await debianMirror()],
    { env: await proxyEnvironment() },
  );
  onWork('downloading the packages that stages install');
  await downloadPackages(work, AVAILABLE, join(work, REPOSITORY));
  await rename(work, base);
  return base;
}

function packagesDigest(): string {
  return createHash('sha256')
    .update(JSON.stringify([INSTALLED, AVAILABLE]))
    .digest('hex')
    .slice(0, 8);
}

async function settingsDigest(): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(ROOTFS, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(file.slice(ROOTFS.length)).update(await readFile(file));
  hash.update(await readFile(CONFIGURE));
  return hash.digest('hex').slice(0, 8);
}

async function configure(root: string): Promise<void> {
  await cp(ROOTFS, root, { recursive: true, verbatimSymlinks: true });
  await writeFile(join(root, 'etc/apt/sources.list'), '');
  await run(['chroot', root, '/bin/sh', '-s'], { input: await readFile(CONFIGURE) });
}

/** The image under the disks of a lab that is up, which may come from an older recipe. */
export async function imageInUse(): Promise<string> {
  return readFile(IMAGE_FILE, 'utf8').catch(() => '');
}

export async function setImageInUse(root: string): Promise<void> {
  await writeFile(IMAGE_FILE, root);
}

/** Drops what older recipes of this release left in the cache. */
async function prune(keep: readonly string[]): Promise<void> {
  for (const name of await readdir(IMAGES)) {
    const path = join(IMAGES, name);
    if (name.includes(`${DEBIAN_SUITE}-`) && !keep.includes(path)) await removeFolder(path);
  }
}
