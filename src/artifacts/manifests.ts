import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { McpkError } from '../core/errors.ts';
import { readFileAtMost, UnreadableFile } from '../core/read-file.ts';
import { Limit } from '../core/limit.ts';
import { settled } from '../core/settled.ts';
import type { Cluster } from '../inventory/types.ts';
import { AT_ONCE, fetchText } from './fetch.ts';
import type { Pins } from './pins.ts';
import { artifactsRoot, expand } from './root.ts';
import type { SafeFolder } from './safe-folder.ts';
import type { NeededManifest } from './types.ts';

const MOST_BYTES = 64 * 2 ** 20;

interface Source {
  name: string;
  /** File or URL. */
  source: string;
  sha256?: string;
  /** What the URL serves never changes: its copy goes by its URL. */
  immutable?: boolean;
  /** The setting that takes a file in place of the URL. */
  setting: string;
}

interface From {
  cluster: Cluster;
  pins: Pins;
  /** Where copies are kept. */
  copies: SafeFolder;
  signal: AbortSignal;
}

/**
 * Text of the manifests that the inventory names, by name; Calico's is upstream's of its version unless one is named.
 * What a URL served is held to afterwards, by the inventory's sha256 or the lock file's, and kept beside the binaries.
 * Throws of all that lack `invalid`, or `fetch` when a URL does not answer or answers with another content than it did.
 */
export async function loadManifests(
  cluster: Cluster,
  { pins, signal }: { pins: Pins; signal: AbortSignal },
): Promise<Map<string, string>> {
  const from = { cluster, pins, copies: artifactsRoot(cluster).below('manifests'), signal };
  const line = new Limit(AT_ONCE);
  const texts = sourcesOf(cluster).map(
    async (source) => [source.name, await line.run(() => loadOne(source, from), signal)] as const,
  );
  return new Map(await settled(texts, signal));
}

/** Those that are files of this machine. `read` throws `invalid`. */
export function localManifests(cluster: Cluster): { name: string; read: () => string }[] {
  return sourcesOf(cluster)
    .filter(({ source }) => !isUrl(source))
    .map((source) => ({ name: source.name, read: () => loadFile(source) }));
}

/** Asks nobody. Throws `invalid` for a file that can't be read. */
export async function neededManifests(cluster: Cluster, pins: Pins): Promise<NeededManifest[]> {
  const copies = artifactsRoot(cluster).below('manifests');
  return Promise.all(
    sourcesOf(cluster).map(async (source) => {
      const { name, source: from } = source;
      if (!isUrl(from)) {
        const text = loadFile(source);
        return { name, sha256: digest(text), size: Buffer.byteLength(text), file: expand(from) };
      }
      const { known, names } = copiesOf(source, pins);
      const kept = await readCopy(copies, names, { url: from, sha256: known });
      const sha256 = known ?? (kept && digest(kept.text));
      return {
        name,
        url: from,
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(kept ? { size: Buffer.byteLength(kept.text), file: join(copies.path, kept.name) } : {}),
      };
    }),
  );
}

function sourcesOf(cluster: Cluster): Source[] {
  const named = cluster.addons.manifests.map((each) => ({
    ...each,
    setting: `source of ${each.name} in addons.manifests`,
  }));
  return [...named, ...(cluster.network.plugin === 'calico' ? [calicoSource(cluster)] : [])];
}

function calicoSource(cluster: Cluster): Source {
  const { manifest, sha256 } = cluster.network.calico;
  const more = { setting: 'network.calico.manifest', ...(sha256 === undefined ? {} : { sha256 }) };
  if (manifest !== undefined) return { name: 'calico', source: manifest, ...more };
  const source = `https://raw.githubusercontent.com/projectcalico/calico/v${cluster.versions.calico}/manifests/calico.yaml`;
  return { name: 'calico', source, immutable: true, ...more };
}

async function loadOne(source: Source, from: From): Promise<string> {
  if (!isUrl(source.source)) return loadFile(source);
  const text = await loadUrl(source, from);
  check(source, text);
  return text;
}

function isUrl(source: string): boolean {
  return /^https?:\/\//.test(source);
}

function loadFile(source: Source): string {
  const text = readLocal(source);
  check(source, text);
  return text;
}

function readLocal({ name, source }: Source): string {
  try {
    return readFileAtMost(expand(source), MOST_BYTES).toString('utf8');
  } catch (cause) {
    if (!(cause instanceof UnreadableFile)) throw cause;
    throw new McpkError('invalid', `manifest ${name}: ${source} ${cause.message}`, {
      cause,
      hint: 'A relative name counts from the folder of the inventory.',
    });
  }
}

async function loadUrl(source: Source, from: From): Promise<string> {
  const { cluster, pins, copies, signal } = from;
  const { source: url, name } = source;
  const sha256 = source.sha256?.toLowerCase();
  const { known, names } = copiesOf(source, pins);
  // What changes the lock file asks the network, not what was kept.
  const looks = known !== undefined || !pins.update || !cluster.artifacts.download;
  const kept = looks ? (await readCopy(copies, names, { url, sha256: known }))?.text : undefined;
  if (kept !== undefined) {
    if (sha256 === undefined) pins.hold(url, url, digest(kept));
    return kept;
  }
  if (!cluster.artifacts.download) {
    throw new McpkError('invalid', `manifest ${name}: ${url} is not at hand`, {
      details: names.map((file) => `looked for, with the right checksum: ${copies.path}/${file}`),
      hint: `Name ${fileFor(source)}, or set artifacts.download: true.`,
    });
  }
  if (sha256 === undefined) await pins.admit(url, url);
  const instead = `name ${fileFor(source)}`;
  const text = await fetchText(url, { signal, limit: MOST_BYTES, instead });
  check(source, text);
  if (sha256 === undefined) pins.fetched(url, url, digest(text));
  await copies.replace(`${source.immutable ? digest(url) : digest(text)}.yaml`, text);
  return text;
}

/** The sum that is known of it, and the names that a copy of it may have. */
function copiesOf(
  { source: url, sha256, immutable }: Source,
  pins: Pins,
): { known: string | undefined; names: string[] } {
  const known = sha256?.toLowerCase() ?? pins.expected(url)?.sha256;
  return { known, names: [known, immutable ? digest(url) : undefined].flatMap((key) => (key ? [`${key}.yaml`] : [])) };
}

function fileFor({ setting }: Source): string {
  return `a file as ${setting} (docs/air-gapped.md)`;
}

/**
 * The first copy there is; one that was changed since it was kept counts as none. So does the URL itself: as the
 * text of another inventory's manifest it would be kept under this name.
 */
async function readCopy(
  copies: SafeFolder,
  names: readonly string[],
  { url, sha256 }: { url: string; sha256: string | undefined },
): Promise<{ name: string; text: string } | undefined> {
  for (const name of names) {
    const text = await copies.read(name, MOST_BYTES);
    if (text === undefined || text === url) continue;
    if (sha256 === undefined || digest(text) === sha256) return { name, text };
  }
  return undefined;
}

function check({ name, source, sha256 }: Source, text: string): void {
  const actual = digest(text);
  if (sha256 === undefined || sha256.toLowerCase() === actual) return;
  throw new McpkError('invalid', `manifest ${name}: ${source} has sha256 ${actual}, not ${sha256}`, {
    hint: 'Look at what changed in it before you write the new sha256 into the inventory.',
  });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
