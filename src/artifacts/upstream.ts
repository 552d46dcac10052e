import { execFile } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { McpkError } from '../core/errors.ts';
import { addSums, hashFile, publishedSum } from './checksums.ts';
import type { Release } from './components.ts';
import type { FetchOptions } from './fetch.ts';
import { fetchFile, fetchText } from './fetch.ts';

const run = promisify(execFile);

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
    // Only these members, into an empty folder: whatever else the archive holds is never written.
    await run('tar', ['-xzf', archive, '-C', unpacked, '--no-same-owner', '--', ...members.values()], {
      signal: options.signal,
    });
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
  const { stdout } = await run('tar', ['-tzf', archive], { signal });
  const members = new Map<string, string>();
  for (const member of stdout.split('\n')) {
    const path = member.replace(/^\.\//, '');
    const name = path.slice(folder.length);
    // Beside the programs there are README.md, LICENSE and Documentation/.
    if (path.startsWith(folder) && /^[a-z0-9][a-z0-9-]*$/.test(name) && only?.includes(name) !== false)
      members.set(name, member);
  }
  const lacking = only?.filter((name) => !members.has(name)) ?? [];
  if (lacking.length > 0 || members.size === 0) {
    throw new McpkError('stage', `${url} does not hold ${lacking.length > 0 ? lacking.join(', ') : 'any program'}`);
  }
  return members;
}

/** Makes one unpacked program executable and gives its sha256; a link or an empty file is none. */
async function inspect(name: string, path: string, signal: AbortSignal): Promise<string> {
  const stats = await lstat(path);
  if (!stats.isFile() || stats.size === 0) throw new McpkError('stage', `${name} in the archive is no regular file`);
  await chmod(path, 0o755);
  return hashFile(path, signal);
}
