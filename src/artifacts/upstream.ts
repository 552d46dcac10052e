import { McpkError } from '../core/errors.ts';
import { listArchive, unpack, type Member } from './archive.ts';
import { addSums, MIRROR_HINT, publishedSum, type Expected } from './checksums.ts';
import type { Release } from './components.ts';
import { fetchFile, fetchText, type FetchOptions } from './fetch.ts';
import type { Pins } from './pins.ts';
import { hashOf, type SafeFolder } from './safe-folder.ts';

type Archive = Extract<Release, { type: 'archive' }>;

export interface Wanted {
  folder: SafeFolder;
  /** What a file is called where sums are pinned: COMPONENT/VERSION/linux-ARCH/NAME. */
  key: (name: string) => string;
  release: Release;
  names: readonly string[];
}

export interface ReleaseOptions extends FetchOptions {
  pins: Pins;
}

const LARGEST_PROGRAM = 2 ** 30;
/** Of all that is taken out of one archive. */
const LARGEST_RELEASE = 2 ** 31;
const KEPT = 'nothing was kept; if it happens again the mirror serves a damaged file';

/** Fetches what a folder lacks, checked against its pin or upstream's sha256, and writes SHA256SUMS as files become whole. */
export async function fetchRelease(wanted: Wanted, options: ReleaseOptions): Promise<void> {
  const { folder, key, release, names } = wanted;
  if (release.type === 'archive') return fetchArchive(wanted, release, options);
  for (const name of names) {
    const source = { key: key(name), url: release.url(name), checksum: release.checksum(name) };
    const sum = await fetchPinned(source, { folder, name }, options);
    await addSums(folder, new Map([[name, sum]]));
  }
}

/** Gives the sha256 that the file has. */
async function fetchPinned(
  { key, url, checksum }: { key: string; url: string; checksum: string },
  to: { folder: SafeFolder; name: string },
  options: ReleaseOptions,
): Promise<string> {
  const pinned = await options.pins.admit(key, url);
  const expected: Expected = pinned ?? {
    sha256: publishedSum(await fetchText(checksum, options), url, checksum),
    hint: KEPT,
  };
  await fetchFile(url, { ...to, expected }, options);
  options.pins.fetched(key, url, expected.sha256);
  return expected.sha256;
}

async function fetchArchive(wanted: Wanted, release: Archive, options: ReleaseOptions): Promise<void> {
  const { folder, key } = wanted;
  const { file, url } = release;
  await fetchPinned({ ...release, key: key(file) }, { folder, name: file }, options);
  const archive = `${folder.path}/${file}`;
  try {
    const members = pick(await listArchive(archive, url, options.signal), { ...release, names: wanted.names });
    await folder.scratch(async (scratch) => {
      await unpack(archive, { into: scratch.path, members: [...members.values()], url, signal: options.signal });
      const unpacked = release.inside === '' ? scratch : scratch.below(release.inside);
      const sums = new Map<string, string>();
      for (const name of members.keys()) sums.set(name, await inspect(unpacked, name, options.signal));
      for (const name of members.keys()) await folder.take(unpacked, name);
      await addSums(folder, sums);
    });
  } finally {
    await folder.remove(file);
  }
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
