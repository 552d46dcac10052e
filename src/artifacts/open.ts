import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { McpkError } from '../core/errors.ts';
import type { Cluster } from '../inventory/types.ts';
import type { Artifact, ArtifactIndex } from '../states/stage.ts';
import { checkSum, readSums } from './checksums.ts';
import type { ComponentName, Release } from './components.ts';
import { COMPONENTS } from './components.ts';
import type { Progress } from './fetch.ts';
import { fetchRelease } from './upstream.ts';
import type { Verified } from './verified.ts';
import { openVerified } from './verified.ts';

/** One component for one processor: DIRECTORY/COMPONENT/VERSION/linux-ARCH. */
interface Shelf {
  component: ComponentName;
  version: string;
  arch: string;
  directory: string;
  required: readonly string[];
  release: Release;
}

/**
 * The binaries of this run, each with the sha256 that its folder's SHA256SUMS demands of it. What lacks is
 * fetched when `artifacts.download` is on. Without anything to fetch or to verify for the first time this takes
 * a few ms. Throws McpkError `invalid` when something lacks, `stage` for a wrong checksum or a failed download.
 */
export async function openArtifacts(
  cluster: Cluster,
  arches: readonly string[],
  signal: AbortSignal,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<ArtifactIndex> {
  const root = expand(cluster.artifacts.directory);
  const shelves = shelvesOf(cluster, root, [...new Set(arches)]);
  const verified = await openVerified(join(dirname(root), 'verified.json'));
  const index = new Map<string, Artifact>();
  const lacking: { shelf: Shelf; names: string[] }[] = [];
  try {
    const looked = await Promise.all(shelves.map(async (shelf) => ({ shelf, found: await lookInto(shelf) })));
    for (const { shelf, found } of looked) {
      let files = found;
      const names = shelf.required.filter((name) => !found.has(name));
      if (names.length > 0 && cluster.artifacts.download) {
        await fetchRelease(shelf, names, { signal, onProgress });
        files = await lookInto(shelf);
      } else if (names.length > 0) {
        lacking.push({ shelf, names });
        continue;
      }
      for (const file of files.values())
        index.set(`${file.name} ${shelf.arch}`, await verify(shelf, file, verified, signal));
    }
  } finally {
    await verified.save();
  }
  if (lacking.length > 0) throw missing(lacking);
  return {
    get: (name, arch) => index.get(`${name} ${arch}`) ?? unknown(name, arch, root),
    all: () => [...index.values()],
  };
}

interface Found {
  name: string;
  path: string;
  stats: Stats;
  sum: string;
}

/** Files that are there and have a checksum; a file without one is not known to be whole. */
async function lookInto(shelf: Shelf): Promise<Map<string, Found>> {
  const sums = await readSums(shelf.directory);
  const found = new Map<string, Found>();
  await Promise.all(
    [...sums].map(async ([name, sum]) => {
      if (name.includes('/')) return;
      const path = join(shelf.directory, name);
      const stats = await stat(path).catch(() => undefined);
      if (stats?.isFile() === true) found.set(name, { name, path, stats, sum });
    }),
  );
  return found;
}

async function verify(shelf: Shelf, file: Found, verified: Verified, signal: AbortSignal): Promise<Artifact> {
  const actual = await verified.sha256(file.path, file.stats, signal);
  checkSum(
    file.path,
    file.sum,
    actual,
    'the file or its line in SHA256SUMS is damaged: delete the file and get it again',
  );
  const { component, version } = shelf;
  return { component, name: file.name, version, sha256: actual, size: file.stats.size, source: file.path };
}

function shelvesOf(cluster: Cluster, root: string, arches: readonly string[]): Shelf[] {
  return COMPONENTS.flatMap((component) =>
    arches.map((arch) => {
      const version = component.version(cluster);
      const mirror = component.mirror(cluster).replace(/\/+$/, '');
      return {
        component: component.name,
        version,
        arch,
        directory: join(root, segment(component.name), segment(version), `linux-${segment(arch)}`),
        required: component.required,
        release: component.release(mirror, version, arch),
      };
    }),
  );
}

/** Versions come from the inventory and processors from the hosts: neither may lead out of the folder. */
function segment(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(name)) return name;
  throw new McpkError('invalid', `${JSON.stringify(name)} can't be part of a binary's path`);
}

export function expand(path: string): string {
  return resolve(path.replace(/^~(?=\/|$)/, homedir()));
}

function missing(lacking: readonly { shelf: Shelf; names: string[] }[]): McpkError {
  const what = lacking.map(({ shelf }) => `${shelf.component} ${shelf.version} (${shelf.arch})`).join(', ');
  return new McpkError('invalid', `binaries are missing: ${what}`, {
    details: lacking.map(({ shelf, names }) => `${shelf.directory}: ${names.join(', ')}`),
    hint: 'set artifacts.download: true, or put the files there with a SHA256SUMS beside them (sha256sum * > SHA256SUMS)',
  });
}

function unknown(name: string, arch: string, root: string): never {
  throw new McpkError('invalid', `there is no binary ${name} for ${arch} in ${root}`, {
    hint: 'each file must be listed in the SHA256SUMS of its folder',
  });
}
