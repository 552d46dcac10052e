import { chmod, lstat, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { McpkError } from '../core/errors.ts';
import { listArchive, unpack } from './archive.ts';
import { addSums, MIRROR_HINT, hashFile, publishedSum } from './checksums.ts';
import type { Release } from './components.ts';
import type { FetchOptions } from './fetch.ts';
import { fetchFile, fetchText } from './fetch.ts';

/** Fetches what a folder lacks, checked against upstream's sha256, and writes SHA256SUMS as files become whole. */
export async function fetchRelease(
  { directory, release }: { directory: string; release: Release },
  names: readonly string[],
  options: FetchOptions,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  if (release.type === 'archive') return fetchArchive(directory, release, options);
  for (const name of names) {
    const url = release.url(name);
    const sum = publishedSum(await fetchText(release.checksum(name), options), url, release.checksum(name));
    await fetchFile(url, join(directory, name), sum, options);
    await addSums(directory, new Map([[name, sum]]));
  }
}

async function fetchArchive(
  directory: string,
  release: Extract<Release, { type: 'archive' }>,
  options: FetchOptions,
): Promise<void> {
  const { url, checksum } = release;
  const archive = join(directory, basename(new URL(url).pathname));
  await fetchFile(url, archive, publishedSum(await fetchText(checksum, options), url, checksum), options);
  const unpacked = await mkdtemp(join(directory, '.unpack-'));
  try {
    const members = await membersOf(archive, release, options.signal);
    await unpack(archive, { into: unpacked, members: [...members.values()], url, signal: options.signal });
    const sums = new Map<string, string>();
    for (const [name, member] of members) sums.set(name, await inspect(name, join(unpacked, member), options.signal));
    for (const [name, member] of members) await rename(join(unpacked, member), join(directory, name));
    await addSums(directory, sums);
  } finally {
    await rm(unpacked, { recursive: true, force: true });
    await rm(archive, { force: true });
  }
}

/** Program → its name in the archive. */
async function membersOf(
  archive: string,
  { url, folder, only }: Extract<Release, { type: 'archive' }>,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const members = new Map<string, string>();
  for (const { member, size, isFile } of await listArchive(archive, url, signal)) {
    const path = member.replace(/^\.\//, '');
    const name = path.slice(folder.length);
    // Beside the programs there are README.md, LICENSE and Documentation/.
    if (!path.startsWith(folder) || !/^[a-z0-9][a-z0-9-]*$/.test(name) || only?.includes(name) === false) continue;
    const wrong = !isFile
      ? 'is no regular file'
      : members.has(name)
        ? 'is there twice'
        : size > LARGEST_PROGRAM && 'is larger than any program';
    if (wrong) throw new McpkError('stage', `${name} in ${url} ${wrong}`, { hint: MIRROR_HINT });
    members.set(name, member);
  }
  const lacking = only?.filter((name) => !members.has(name)) ?? [];
  if (lacking.length > 0 || members.size === 0) {
    throw new McpkError('stage', `${url} does not hold ${lacking.length > 0 ? lacking.join(', ') : 'any program'}`, {
      hint: MIRROR_HINT,
    });
  }
  return members;
}

const LARGEST_PROGRAM = 2 ** 30;

/** Makes one unpacked program executable and gives its sha256; a link or an empty file is none. */
async function inspect(name: string, path: string, signal: AbortSignal): Promise<string> {
  const stats = await lstat(path);
  if (!stats.isFile() || stats.size === 0) throw new McpkError('stage', `${name} in the archive is no regular file`);
  await chmod(path, 0o755);
  return hashFile(path, signal);
}
