import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { McpkError } from '../core/errors.ts';
import { knownErrors, throwAll } from '../core/settled.ts';
import type { Cluster } from '../inventory/types.ts';
import type { Artifact, ArtifactIndex } from '../states/stage.ts';
import { alone } from './alone.ts';
import { checkSum, readSums } from './checksums.ts';
import { filesOf } from './components.ts';
import type { Pins } from './pins.ts';
import { artifactsRoot } from './root.ts';
import type { SafeFolder } from './safe-folder.ts';
import { SEGMENT, shelvesOf, type Lacking, type Shelf } from './shelves.ts';
import type { Progress } from './types.ts';
import { fetchReleases } from './upstream.ts';
import { openVerified, type Verified } from './verified.ts';

export interface OpenOptions {
  arches: readonly string[];
  pins: Pins;
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Something is to be fetched, and another mcpk fetches into the same folder. */
  onWait?: ((message: string) => void) | undefined;
}

/**
 * The binaries of this run, each with the sha256 that its folder's SHA256SUMS and `pins` demand of it. What lacks is
 * fetched when `artifacts.download` is on. Without anything to fetch or to verify for the first time this takes
 * a few ms. Throws McpkError `invalid` when something lacks, `fetch` for a wrong checksum or a failed download, of all
 * files that can't be had.
 */
export async function openArtifacts(cluster: Cluster, options: OpenOptions): Promise<ArtifactIndex> {
  const { arches, pins, signal, onProgress = () => undefined, onWait = () => undefined } = options;
  const root = artifactsRoot(cluster);
  const shelves = shelvesOf(cluster, [...new Set(arches)], pins);
  const verified = await openVerified(root);
  const failed: McpkError[] = [];
  try {
    const look = (): Promise<Looked[]> =>
      Promise.all(shelves.map(async (shelf) => ({ shelf, found: await lookInto(shelf) })));
    let looked = await look();
    for (const { shelf, found } of looked) checkPinned(cluster, shelf, found);
    const lacking = looked.flatMap(lackingOn);
    if (lacking.length > 0 && cluster.artifacts.download) {
      const fetching = alone(root, { signal, onWait }, async () => {
        // Another one may have fetched it meanwhile.
        const lacks = (await look()).flatMap(lackingOn);
        await fetchReleases(lacks, { pins, verified, signal, onProgress });
      });
      failed.push(...(await errorsOf(fetching, signal)));
      looked = await look();
    } else if (lacking.length > 0) failed.push(missing(lacking));
    const index = new Map<string, Artifact>();
    failed.push(...(await errorsOf(fill(index, looked, { pins, verified, signal }), signal)));
    throwAll(failed);
    return indexOf(index, root.path);
  } finally {
    await verified.save();
  }
}

/** Throws a fault, and the signal's reason. */
async function errorsOf(work: Promise<void>, signal: AbortSignal): Promise<readonly McpkError[]> {
  try {
    await work;
    return [];
  } catch (error) {
    signal.throwIfAborted();
    return knownErrors(error);
  }
}

/** Puts what is there into the index, by name and processor. Throws of each file that is another one than it must be. */
async function fill(
  index: Map<string, Artifact>,
  looked: readonly Looked[],
  { pins, verified, signal }: Pick<OpenOptions, 'pins' | 'signal'> & { verified: Verified },
): Promise<void> {
  const failed: McpkError[] = [];
  for (const { shelf, found } of looked)
    for (const file of found.values())
      try {
        const artifact = await verify(shelf, file, verified, signal);
        pins.hold(shelf.key(file.name), artifact.source, artifact.sha256);
        index.set(`${file.name} ${shelf.arch}`, artifact);
      } catch (error) {
        // What else is wrong is so for all of them.
        if (signal.aborted || !(error instanceof McpkError) || error.code !== 'fetch') throw error;
        failed.push(error);
      }
  throwAll(failed);
}

interface Looked {
  shelf: Shelf;
  found: ReadonlyMap<string, Found>;
}

/** What a run wants of it and did not find there: nothing, or one entry. */
export function lackingOn({ shelf, found }: Looked): Lacking[] {
  const names = shelf.required.filter((name) => !found.has(name));
  return names.length === 0 ? [] : [{ shelf, names }];
}

/** Of a binary that is not there. */
const NO_SUM = 'unknown';

/** The binaries by name and version, with the sums of those that are there: nothing is fetched, and nothing verified. */
export async function namedArtifacts(
  cluster: Cluster,
  { arches, pins }: Pick<OpenOptions, 'arches' | 'pins'>,
): Promise<ArtifactIndex> {
  const index = new Map<string, Artifact>();
  for (const shelf of shelvesOf(cluster, [...new Set(arches)], pins)) {
    const found = await lookInto(shelf);
    const { component, version, arch, common } = shelf;
    for (const name of new Set([...shelf.required, ...found.keys()])) {
      const { sum = NO_SUM, stats, folder = common } = found.get(name) ?? {};
      const source = join(folder.path, name);
      index.set(`${name} ${arch}`, { component, name, version, sha256: sum, size: stats?.size ?? 0, source });
    }
  }
  return indexOf(index, artifactsRoot(cluster).path);
}

function indexOf(index: ReadonlyMap<string, Artifact>, root: string): ArtifactIndex {
  return {
    get: (name, arch) => index.get(`${name} ${arch}`) ?? unknown(name, arch, root),
    all: () => [...index.values()],
  };
}

/** A file that is there and has a checksum. */
export interface Found {
  folder: SafeFolder;
  name: string;
  stats: Stats;
  sum: string;
}

/** What the mirror of this inventory gave comes before what lies there for all. */
export async function lookInto({ common, own }: Shelf): Promise<Map<string, Found>> {
  const found = await filesIn(common);
  return own === common ? found : new Map([...found, ...(await filesIn(own))]);
}

/** Files that are there and have a checksum; a file without one is not known to be whole. */
async function filesIn(folder: SafeFolder): Promise<Map<string, Found>> {
  const sums = await readSums(folder);
  const names = [...sums.keys()].filter((name) => SEGMENT.test(name));
  const found = await folder.files(names);
  return new Map([...found].map(([name, stats]) => [name, { folder, name, stats, sum: sums.get(name) ?? '' }]));
}

/** Throws `fetch` for a file that is not what its folder's SHA256SUMS says. */
export async function verify(
  shelf: Shelf,
  file: Found,
  verified: Pick<Verified, 'sha256'>,
  signal: AbortSignal,
): Promise<Artifact> {
  const source = join(file.folder.path, file.name);
  const actual = await verified.sha256(file.folder, file, signal);
  const hint = 'the file or its line in SHA256SUMS is damaged: delete the file and get it again';
  checkSum(source, { sha256: file.sum, hint }, actual);
  const { component, version } = shelf;
  return { component, name: file.name, version, sha256: actual, size: file.stats.size, source };
}

/** A pin with a slip in it would pin nothing. */
function checkPinned({ artifacts }: Cluster, shelf: Shelf, found: ReadonlyMap<string, unknown>): void {
  const known = new Set([...filesOf(shelf.release), ...shelf.required, ...found.keys()]);
  const prefix = shelf.key('');
  const wrong = Object.keys(artifacts.sha256).find(
    (key) => key.startsWith(prefix) && !known.has(key.slice(prefix.length)),
  );
  if (wrong === undefined) return;
  throw new McpkError('invalid', `artifacts.sha256: there is no file ${wrong}`, {
    hint: `In ${prefix} there are ${[...known].join(', ')}.`,
  });
}

const FILLED_BY =
  'set artifacts.download: true, or put the files there with a SHA256SUMS beside them (sha256sum * > SHA256SUMS)';

/** `invalid`, with the folders that lack something. */
export function missing(lacking: readonly Lacking[], hint = FILLED_BY): McpkError {
  const what = lacking.map(({ shelf }) => `${shelf.component} ${shelf.version} (${shelf.arch})`).join(', ');
  return new McpkError('invalid', `binaries are missing: ${what}`, {
    details: lacking.map(({ shelf, names }) => `${shelf.common.path}: ${names.join(', ')}`),
    hint,
  });
}

function unknown(name: string, arch: string, root: string): never {
  throw new McpkError('invalid', `there is no binary ${name} for ${arch} in ${root}`, {
    hint: 'each file must be listed in the SHA256SUMS of its folder',
  });
}
