import { join } from 'node:path';
import { McpkError } from '../core/errors.ts';
import type { Cluster } from '../inventory/types.ts';
import { neededManifests } from './manifests.ts';
import { lackingOn, lookInto, missing, verify } from './open.ts';
import type { Pins } from './pins.ts';
import type { SafeFolder } from './safe-folder.ts';
import { shelvesOf, type Lacking, type Shelf } from './shelves.ts';
import type { Needed, NeededBinary } from './types.ts';

/** All that comes from outside, but images and packages. Asks nobody, and reads no binary. Throws `invalid`. */
export async function needed(
  cluster: Cluster,
  { arches, pins }: { arches: readonly string[]; pins: Pins },
): Promise<Needed> {
  const shelves = await Promise.all(shelvesOf(cluster, arches, pins).map((shelf) => onShelf(shelf, pins)));
  return { binaries: shelves.flat(), manifests: await neededManifests(cluster, pins) };
}

async function onShelf(shelf: Shelf, pins: Pins): Promise<NeededBinary[]> {
  const found = await lookInto(shelf);
  return shelf.required.map((file) => {
    const there = found.get(file);
    const name = shelf.key(file);
    const sha256 = pins.expected(name)?.sha256 ?? there?.sum;
    return {
      name,
      url: shelf.release.type === 'files' ? shelf.release.url(file) : shelf.release.url,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(there ? { size: there.stats.size, file: join(there.folder.path, file) } : {}),
    };
  });
}

/** Reads all that is there anew, and says of what lacks, or is another one than it must be, what is wrong. Asks nobody. */
export async function wrongArtifacts(
  cluster: Cluster,
  { arches, pins, signal }: { arches: readonly string[]; pins: Pins; signal: AbortSignal },
): Promise<McpkError[]> {
  const errors: McpkError[] = [];
  const lacking: Lacking[] = [];
  const anew = {
    sha256: (folder: SafeFolder, { name }: { name: string }): Promise<string> => folder.hash(name, signal),
  };
  for (const shelf of shelvesOf(cluster, arches, pins)) {
    const found = await lookInto(shelf);
    lacking.push(...lackingOn({ shelf, found }));
    for (const file of found.values())
      try {
        const { source, sha256 } = await verify(shelf, file, anew, signal);
        pins.hold(shelf.key(file.name), source, sha256);
      } catch (error) {
        if (!(error instanceof McpkError)) throw error;
        errors.push(error);
      }
  }
  const hint = cluster.artifacts.download ? 'mcpk artifacts fetch gets them.' : undefined;
  if (lacking.length > 0) errors.push(missing(lacking, hint));
  return [...errors, ...(await lackingManifests(cluster, pins, hint))];
}

async function lackingManifests(cluster: Cluster, pins: Pins, hint: string | undefined): Promise<McpkError[]> {
  const manifests = await neededManifests(cluster, pins);
  return manifests
    .filter(({ file }) => file === undefined)
    .map(
      ({ name, url = '', sha256 }) =>
        new McpkError(
          'invalid',
          `manifest ${name}: no copy of ${url} is there${sha256 ? ` with sha256 ${sha256}` : ''}`,
          {
            hint: hint ?? 'Copies lie in manifests/ of artifacts.directory, as mcpk artifacts bundle makes them.',
          },
        ),
    );
}
