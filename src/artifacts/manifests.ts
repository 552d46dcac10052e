import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { McpkError } from '../core/errors.ts';
import { readFileAtMost, UnreadableFile } from '../core/read-file.ts';
import type { Cluster } from '../inventory/types.ts';
import { fetchText } from './fetch.ts';
import { expand } from './open.ts';

const MOST_BYTES = 64 * 2 ** 20;

interface Source {
  name: string;
  /** File or URL. */
  source: string;
  sha256?: string;
  /** What the URL serves never changes: one copy is kept. */
  immutable?: boolean;
}

/**
 * Text of the manifests that the inventory names, by name; Calico's is upstream's of its version unless one is named.
 * Downloads with a checksum, and upstream's, are kept beside the binaries. Throws `invalid`, or `stage` when a URL
 * does not answer.
 */
export async function loadManifests(cluster: Cluster, signal: AbortSignal): Promise<Map<string, string>> {
  const wanted = [...cluster.addons.manifests, ...(cluster.network.plugin === 'calico' ? [calicoSource(cluster)] : [])];
  const texts = await Promise.all(
    wanted.map(async (source) => [source.name, await loadOne(source, cluster, signal)] as const),
  );
  return new Map(texts);
}

function calicoSource(cluster: Cluster): Source {
  const { manifest, sha256 } = cluster.network.calico;
  const pinned = sha256 === undefined ? {} : { sha256 };
  if (manifest !== undefined) return { name: 'calico', source: manifest, ...pinned };
  const source = `https://raw.githubusercontent.com/projectcalico/calico/v${cluster.versions.calico}/manifests/calico.yaml`;
  return { name: 'calico', source, immutable: true, ...pinned };
}

async function loadOne(from: Source, cluster: Cluster, signal: AbortSignal): Promise<string> {
  const text = /^https?:\/\//.test(from.source) ? await fetched(from, cluster, signal) : readLocal(from);
  check(from, text);
  return text;
}

function readLocal(from: Source): string {
  try {
    return readFileAtMost(expand(from.source), MOST_BYTES).toString('utf8');
  } catch (cause) {
    if (!(cause instanceof UnreadableFile)) throw cause;
    throw new McpkError('invalid', `manifest ${from.name}: ${from.source} ${cause.message}`, {
      cause,
      hint: 'A relative name counts from the folder of the inventory.',
    });
  }
}

async function fetched(from: Source, cluster: Cluster, signal: AbortSignal): Promise<string> {
  const key = from.sha256?.toLowerCase() ?? (from.immutable ? digest(from.source) : undefined);
  const copy = key === undefined ? undefined : join(expand(cluster.artifacts.directory), 'manifests', `${key}.yaml`);
  const kept = copy === undefined ? undefined : await readFile(copy, 'utf8').catch(() => undefined);
  if (kept !== undefined) return kept;
  if (!cluster.artifacts.download) {
    throw new McpkError('invalid', `manifest ${from.name}: ${from.source} is not at hand`, {
      hint: `Set artifacts.download: true, or name a file${copy === undefined ? '' : `; a copy is looked for at ${copy}`}.`,
    });
  }
  const text = await fetchText(from.source, { signal, onProgress: () => undefined });
  check(from, text);
  if (copy !== undefined) await keep(copy, text);
  return text;
}

async function keep(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.part`, text);
  await rename(`${path}.part`, path);
}

function check(from: Source, text: string): void {
  const actual = digest(text);
  if (from.sha256 === undefined || from.sha256.toLowerCase() === actual) return;
  throw new McpkError('invalid', `manifest ${from.name}: ${from.source} has sha256 ${actual}, not ${from.sha256}`, {
    hint: 'Look at what changed in it before you write the new sha256 into the inventory.',
  });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
