import type { Stats } from 'node:fs';
import { McpkError } from '../core/errors.ts';
import { Limit } from '../core/limit.ts';
import { settled } from '../core/settled.ts';
import { listArchive, unpack, type Member } from './archive.ts';
import { addSums, MIRROR_HINT, publishedSum, type Expected } from './checksums.ts';
import { sizeRank, type Release } from './components.ts';
import { AT_ONCE, fetchFile, fetchText, unfilled } from './fetch.ts';
import type { Pins } from './pins.ts';
import { hashOf, type SafeFolder } from './safe-folder.ts';
import type { Lacking } from './shelves.ts';
import type { Progress } from './types.ts';
import type { Verified } from './verified.ts';

type Archive = Extract<Release, { type: 'archive' }>;

export interface ReleaseOptions {
  pins: Pins;
  verified: Pick<Verified, 'learn'>;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

const LARGEST_PROGRAM = 2 ** 30;
/** Of all that is taken out of one archive. */
const LARGEST_RELEASE = 2 ** 31;
const KEPT = 'nothing was kept; if it happens again the mirror serves a damaged file';

/**
 * Fetches what these shelves lack, some files at a time, each checked against its pin or upstream's sha256, and writes
 * SHA256SUMS as files become whole. One that fails keeps no other from its place; throws of all that did, `fetch` or
 * `invalid`.
 */
export async function fetchReleases(lacking: readonly Lacking[], options: ReleaseOptions): Promise<void> {
  const downloads = lacking.flatMap(downloadsOf).toSorted((a, b) => sizeRank(a.name) - sizeRank(b.name));
  // Nothing is fetched where something must not be. What forbids one forbids most of them: the first says it.
  for (const { key, url } of downloads) await options.pins.admit(key, url);
  const line = new Limit(AT_ONCE);
  // A folder's SHA256SUMS is read and written by one at a time.
  const own = { ...options, files: downloads.length, sums: new Limit(1) };
  await settled(
    downloads.map((each) => line.run(() => each.fetch(own), options.signal)),
    options.signal,
  );
}

interface DownloadOptions extends ReleaseOptions {
  files: number;
  sums: Limit;
}

interface Source {
  /** As its sum is pinned. */
  key: string;
  url: string;
  checksum: string;
}

/** What is fetched in one piece. */
interface Download extends Source {
  /** Of the file, or of an archive's component. */
  name: string;
  fetch(options: DownloadOptions): Promise<void>;
}

function downloadsOf(lacking: Lacking): Download[] {
  const { release, component, key } = lacking.shelf;
  if (release.type === 'archive') {
    const source = { ...release, key: key(release.file) };
    return [{ ...source, name: component, fetch: (options) => fetchArchive(lacking, source, options) }];
  }
  return lacking.names.map((name) => {
    const source = { key: key(name), url: release.url(name), checksum: release.checksum(name) };
    return { ...source, name, fetch: (options) => fetchSingle({ folder: lacking.shelf.own, name }, source, options) };
  });
}

interface Place {
  folder: SafeFolder;
  name: string;
}

async function fetchSingle({ folder, name }: Place, source: Source, options: DownloadOptions): Promise<void> {
  const { sha256, stats } = await fetchPinned(source, { folder, name }, options);
  options.verified.learn(folder, { name, stats }, sha256);
  await listed(folder, new Map([[name, sha256]]), options);
  tell(source.key, stats, options);
}

async function fetchPinned(
  { key, url, checksum }: Source,
  to: Place,
  { pins, signal, files, onProgress }: DownloadOptions,
): Promise<{ sha256: string; stats: Stats }> {
  const expected: Expected = pins.expected(key) ?? {
    sha256: publishedSum(await fetchText(checksum, { signal }), url, checksum),
    hint: KEPT,
  };
  const onBytes = (received: number, total: number): void =>
    onProgress({ file: key, files, received, total, isThere: false });
  const stats = await fetchFile(url, { ...to, expected }, { signal, onBytes });
  pins.fetched(key, url, expected.sha256);
  return { sha256: expected.sha256, stats };
}

async function listed(
  folder: SafeFolder,
  added: ReadonlyMap<string, string>,
  { sums, signal }: DownloadOptions,
): Promise<void> {
  const adding = async (): Promise<void> =>
    addSums(folder, added).catch((cause: unknown) => {
      throw cause instanceof McpkError ? cause : unfilled(folder, cause);
    });
  await sums.run(adding, signal);
}

function tell(file: string, { size }: Stats, { files, onProgress }: DownloadOptions): void {
  onProgress({ file, files, received: size, total: size, isThere: true });
}

async function fetchArchive(
  { shelf: { own: folder }, names }: Lacking,
  release: Archive & Source,
  options: DownloadOptions,
): Promise<void> {
  const { file, url, key } = release;
  const { stats } = await fetchPinned(release, { folder, name: file }, options);
  const archive = `${folder.path}/${file}`;
  try {
    const members = pick(await listArchive(archive, url, options.signal), { ...release, names });
    await folder.scratch(async (scratch) => {
      await unpack(archive, { into: scratch.path, members: [...members.values()], url, signal: options.signal });
      const unpacked = release.inside === '' ? scratch : scratch.below(release.inside);
      const sums = new Map<string, string>();
      for (const name of members.keys()) sums.set(name, await inspect(unpacked, name, options.signal));
      for (const name of members.keys()) await folder.take(unpacked, name);
      for (const [name, found] of await folder.files([...sums.keys()]))
        options.verified.learn(folder, { name, stats: found }, sums.get(name) ?? '');
      await listed(folder, sums, options);
    });
  } finally {
    await folder.remove(file);
  }
  tell(key, stats, options);
}

/** Program → its name in the archive. Beside the programs there are README.md, LICENSE and Documentation/. */
export function pick(
  listed: readonly Member[],
  { names, url, inside, programs }: Pick<Archive, 'url' | 'inside' | 'programs'> & { names: readonly string[] },
): Map<string, string> {
  let size = 0;
  const prefix = inside === '' ? '' : `${inside}/`;
  const members = new Map<string, string>();
  for (const entry of listed) {
    const path = entry.member.replace(/^\.\//, '');
    const name = programs.find((program) => path === `${prefix}${program}`);
    if (name === undefined) continue;
    const wrong = members.has(name) ? 'is there twice' : wrongWith(entry);
    if (wrong) throw new McpkError('fetch', `${name} in ${url} ${wrong}`, { hint: MIRROR_HINT });
    members.set(name, entry.member);
    size += entry.size;
  }
  if (size > LARGEST_RELEASE)
    throw new McpkError('fetch', `${url} holds more than ${LARGEST_RELEASE / 2 ** 30} GiB of programs`, {
      hint: MIRROR_HINT,
    });
  const lacking = names.filter((name) => !members.has(name));
  if (lacking.length === 0) return members;
  throw new McpkError('fetch', `${url} does not hold ${lacking.join(', ')}`, { hint: MIRROR_HINT });
}

function wrongWith({ isFile, size }: Member): string | undefined {
  if (!isFile) return 'is no regular file';
  return size > LARGEST_PROGRAM ? 'is larger than any program' : undefined;
}

/** Makes one unpacked program executable and gives its sha256; an empty file is none. */
async function inspect(folder: SafeFolder, name: string, signal: AbortSignal): Promise<string> {
  const file = await folder.openOwn(name);
  try {
    if ((await file.stat()).size === 0)
      throw new McpkError('fetch', `${name} in the archive is no regular file`, { hint: MIRROR_HINT });
    await file.chmod(0o755);
    return await hashOf(file, signal);
  } finally {
    await file.close();
  }
}
