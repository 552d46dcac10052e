import { createHash } from 'node:crypto';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError, messageOf } from './errors.ts';
import { ARCH } from './paths.ts';
import { run } from './run.ts';
import { COMPONENT_FILES, type Component } from './versions.ts';

/** How long a release server may take to answer at all before the lab builds by itself. */
const CONNECT_TIMEOUT = 4_000;

/** One file of a release, with the place where upstream publishes its sha256. */
interface Release {
  url: string;
  checksums: string;
  /** Folder inside the tarball; undefined when the file is the program itself. */
  unpack?: string;
  /** Of the program, where its file is called otherwise. */
  name?: string;
}

/**
 * Downloads a component's release into `directory`/bin, checked against upstream's sha256.
 * Gives false when upstream cannot be reached or has no such file; a wrong checksum is an error.
 */
export async function download(component: Component, version: string, directory: string): Promise<boolean> {
  const releases = releasesOf(component, version);
  if (releases.length === 0 || !(await isReachable(releases))) return false;
  const bin = join(directory, 'bin');
  await mkdir(bin, { recursive: true });
  for (const release of releases) await fetchRelease(release, directory);
  for (const name of COMPONENT_FILES[component]) await chmod(join(bin, name), 0o755);
  return true;
}

function releasesOf(component: Component, version: string): Release[] {
  const github = 'https://github.com';
  switch (component) {
    case 'kubernetes': {
      const base = `https://dl.k8s.io/release/v${version}/bin/linux/${ARCH}`;
      return COMPONENT_FILES.kubernetes.map((name) => ({
        url: `${base}/${name}`,
        checksums: `${base}/${name}.sha256`,
      }));
    }
    case 'etcd': {
      const base = `${github}/etcd-io/etcd/releases/download/v${version}`;
      const folder = `etcd-v${version}-linux-${ARCH}`;
      return [{ url: `${base}/${folder}.tar.gz`, checksums: `${base}/SHA256SUMS`, unpack: folder }];
    }
    case 'cni-plugins': {
      const url = `${github}/containernetworking/plugins/releases/download/v${version}/cni-plugins-linux-${ARCH}-v${version}.tgz`;
      return [{ url, checksums: `${url}.sha256`, unpack: '.' }];
    }
    case 'containerd': {
      const url = `${github}/containerd/containerd/releases/download/v${version}/containerd-${version}-linux-${ARCH}.tar.gz`;
      return [{ url, checksums: `${url}.sha256sum`, unpack: 'bin' }];
    }
    case 'runc': {
      const base = `${github}/opencontainers/runc/releases/download/v${version}`;
      return [{ url: `${base}/runc.${ARCH}`, checksums: `${base}/runc.sha256sum`, name: 'runc' }];
    }
    case 'coredns': {
      const url = `${github}/coredns/coredns/releases/download/v${version}/coredns_${version}_linux_${ARCH}.tgz`;
      return [{ url, checksums: `${url}.sha256`, unpack: '.' }];
    }
    // Upstream publishes images, no programs; those of its tests that it does publish belong to them.
    case 'calico':
    case 'conformance':
    case 'sample-apiserver':
    case 'agnhost-coredns':
      return [];
  }
}

async function isReachable(releases: readonly Release[]): Promise<boolean> {
  try {
    const answers = await Promise.all(
      releases.map((release) =>
        fetch(release.checksums, { method: 'HEAD', signal: AbortSignal.timeout(CONNECT_TIMEOUT) }),
      ),
    );
    return answers.every((answer) => answer.ok);
  } catch {
    return false;
  }
}

async function fetchRelease(release: Release, directory: string): Promise<void> {
  const name = release.url.slice(release.url.lastIndexOf('/') + 1);
  const [bytes, sums] = await Promise.all([get(release.url), get(release.checksums)]);
  const wanted = checksumFor(name, sums.toString());
  const found = createHash('sha256').update(bytes).digest('hex');
  if (wanted !== found) {
    throw new LabError(`${release.url} has sha256 ${found}, upstream publishes ${wanted}`, {
      hint: 'the download was cut short or tampered with; nothing was kept, run the command again',
    });
  }
  if (release.unpack === undefined) {
    await writeFile(join(directory, 'bin', release.name ?? name), bytes);
    return;
  }
  const archive = join(directory, name);
  await writeFile(archive, bytes);
  const unpacked = join(directory, 'unpacked');
  await mkdir(unpacked, { recursive: true });
  await run(['tar', '-xzf', archive, '-C', unpacked, '--no-same-owner']);
  const folder = join(unpacked, release.unpack);
  const entries = (await run(['find', folder, '-maxdepth', '1', '-type', 'f', '-perm', '-u+x', '-printf', '%f\\n']))
    .trim()
    .split('\n');
  for (const entry of entries) await rename(join(folder, entry), join(directory, 'bin', entry));
}

/** Reads `sha256sum` output with many lines as well as a file that holds nothing but the sum. */
function checksumFor(name: string, sums: string): string | undefined {
  const lines = sums
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+\*?/));
  const own = lines.find((fields) => fields[1] === name) ?? (lines.length === 1 ? lines[0] : undefined);
  return own?.[0];
}

async function get(url: string): Promise<Buffer> {
  try {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  } catch (cause) {
    throw new LabError(`cannot download ${url}: ${messageOf(cause)}`, {
      cause,
      hint: 'run the command again; what was complete is kept',
    });
  }
}
