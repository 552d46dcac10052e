import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from './errors.ts';
import { ARCH } from './paths.ts';
import { capture, run } from './run.ts';
import { DEBIAN_SUITE } from './versions.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The Debian mirror that this machine's own apt uses, so that the lab needs no setting of its own. */
export async function debianMirror(): Promise<string> {
  const known = await findMirror();
  if (known !== undefined) return known;
  // A new machine has not read its sources yet: labels come with the lists.
  await run(['apt-get', '-qq', 'update']);
  const found = await findMirror();
  if (found === undefined)
    throw new LabError('apt knows no Debian mirror on this machine', { hint: 'Name one in /etc/apt/sources.list.' });
  return found;
}

async function findMirror(): Promise<string | undefined> {
  const format = ['--format', '$(REPO_URI) $(LABEL)'];
  const { stdout } = await capture(['apt-get', 'indextargets', ...format, 'Created-By: Packages', 'Component: main']);
  const lines = stdout.split('\n').map((line) => line.split(' '));
  const mirror = lines.find(([, ...label]) => label.join(' ') === 'Debian')?.[0];
  return mirror?.replace(/\/$/, '');
}

/** apt's proxy, for debootstrap, which does not read apt's configuration. */
export async function proxyEnvironment(): Promise<Record<string, string>> {
  const { stdout } = await capture(['apt-config', 'dump', '--format', '%v', 'Acquire::http::Proxy']);
  const proxy = stdout.trim();
  return proxy === '' || proxy === 'DIRECT' ? {} : { http_proxy: proxy };
}

/**
 * Downloads packages of the image's release, with all that they need beyond what the image has, into
 * a flat repository that apt in a host can read. The machine's apt does it, on state of its own: the
 * image never sees the network.
 */
export async function downloadPackages(root: string, packages: readonly string[], directory: string): Promise<number> {
  const work = `${directory}.apt`;
  for (const folder of ['state/lists/partial', 'cache/archives/partial'])
    await mkdir(join(work, folder), { recursive: true });
  const sources = join(work, 'sources.list');
  await writeFile(sources, `deb [signed-by=${KEYRING}] ${await debianMirror()} ${DEBIAN_SUITE} main\n`);
  const options = [
    `Dir::Etc::SourceList=${sources}`,
    'Dir::Etc::SourceParts=/dev/null',
    'Dir::Etc::Preferences=/dev/null',
    'Dir::Etc::PreferencesParts=/dev/null',
    `Dir::State=${join(work, 'state')}`,
    `Dir::State::status=${join(root, 'var/lib/dpkg/status')}`,
    `Dir::Cache=${join(work, 'cache')}`,
    `APT::Architecture=${ARCH}`,
    'APT::Architectures=',
    'APT::Install-Recommends=false',
    'Acquire::Languages=none',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  await run(['apt-get', ...options, 'update', '-q']);
  await run(['apt-get', ...options, 'install', '-y', '-q', '--download-only', ...packages]);
  await mkdir(directory, { recursive: true });
  const archives = join(work, 'cache/archives');
  const debs = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  for (const deb of debs) {
    // A colon (of an epoch) in a file name is escaped in URIs; apt would look for the escaped name.
    await repack(join(archives, deb), join(directory, deb.replaceAll('%3a', '.')));
  }
  await rm(work, { recursive: true, force: true });
  await writeIndex(directory);
  return debs.length;
}

/**
 * The same package without compression. Five hosts on one small machine unpack each package five
 * times; on real hosts each would do it on its own processor.
 */
async function repack(from: string, to: string): Promise<void> {
  const folder = `${from}.d`;
  await run(['dpkg-deb', '--raw-extract', from, folder]);
  await run(['dpkg-deb', '--build', '-Znone', folder, to]);
  await rm(folder, { recursive: true, force: true });
}

/** Writes the `Packages` file of a flat repository, as dpkg-scanpackages (of dpkg-dev) would. */
async function writeIndex(directory: string): Promise<void> {
  const debs = (await readdir(directory)).filter((name) => name.endsWith('.deb')).sort();
  const entries = await Promise.all(
    debs.map(async (deb) => {
      const path = join(directory, deb);
      const control = (await run(['dpkg-deb', '-f', path])).trimEnd();
      const bytes = await readFile(path);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return `${control}\nFilename: ./${deb}\nSize: ${bytes.length}\nSHA256: ${sha256}\n`;
    }),
  );
  await writeFile(join(directory, 'Packages'), `${entries.join('\n')}\n`);
}

/**
 * Packages of this machine's own release with all that they need, their files laid into `directory` as an image has
 * them: /bin, /sbin and /lib are links into /usr, no package's script runs.
 */
export async function unpackWithDependencies(packages: readonly string[], directory: string): Promise<void> {
  const work = `${directory}.apt`;
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, 'archives/partial'), { recursive: true });
  await writeFile(join(work, 'status'), '');
  const options = [
    // As if nothing were installed: what the machine has, the image has not.
    `Dir::State::status=${join(work, 'status')}`,
    `Dir::Cache::archives=${join(work, 'archives')}`,
    'APT::Install-Recommends=false',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  const install = ['apt-get', ...options, 'install', '-y', '-q', '--download-only', ...packages];
  if ((await capture(install)).code !== 0) {
    await run(['apt-get', 'update', '-q']);
    await run(install);
  }
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(directory, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(directory, name));
  }
  const debs = (await readdir(join(work, 'archives'))).filter((name) => name.endsWith('.deb'));
  for (const deb of debs) {
    const files = join(work, 'files.tar');
    await run(['sh', '-c', 'dpkg-deb --fsys-tarfile "$1" >"$2"', 'sh', join(work, 'archives', deb), files]);
    await run(['tar', '-C', directory, '--keep-directory-symlink', '-xf', files]);
  }
  await rm(work, { recursive: true, force: true });
}

/** Takes one package of this machine's own release apart into `directory`: nothing is installed or started. */
export async function unpackPackage(name: string, directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  const work = `${directory}.tmp`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  const download = ['apt-get', 'download', '-q', '-o', 'APT::Sandbox::User=root', name];
  if ((await capture(download, { cwd: work })).code !== 0) {
    await run(['apt-get', 'update', '-q']);
    await run(download, { cwd: work });
  }
  const deb = (await readdir(work)).find((file) => file.endsWith('.deb')) ?? '';
  await run(['dpkg-deb', '-x', join(work, deb), join(work, 'root')]);
  await rename(join(work, 'root'), directory);
  await rm(work, { recursive: true, force: true });
}
