import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { McpkError } from '../../core/errors.ts';
import type { Cluster } from '../../inventory/types.ts';

interface Source {
  name: string;
  source: string;
  sha256?: string;
}

/** Text of the manifests that the inventory names, by name: files, or URLs whose content the inventory pins. */
export async function loadManifests(cluster: Cluster, signal: AbortSignal): Promise<Map<string, string>> {
  const { calico, plugin } = cluster.network;
  const wanted: Source[] = [...cluster.addons.manifests];
  if (plugin === 'calico' && calico.manifest !== undefined) {
    wanted.push({
      name: 'calico',
      source: calico.manifest,
      ...(calico.sha256 === undefined ? {} : { sha256: calico.sha256 }),
    });
  }
  const texts = await Promise.all(wanted.map(async (source) => [source.name, await loadOne(source, signal)] as const));
  return new Map(texts);
}

async function loadOne(from: Source, signal: AbortSignal): Promise<string> {
  const text = /^https?:\/\//.test(from.source) ? await download(from, signal) : await read(from);
  const actual = createHash('sha256').update(text).digest('hex');
  if (from.sha256 === undefined || from.sha256 === actual) return text;
  throw new McpkError('invalid', `manifest ${from.name}: ${from.source} has sha256 ${actual}, not ${from.sha256}`, {
    hint: 'Look at what changed in it before you write the new sha256 into the inventory.',
  });
}

async function read(from: Source): Promise<string> {
  return readFile(from.source, 'utf8').catch((cause: unknown) => {
    throw new McpkError('invalid', `manifest ${from.name}: ${from.source} cannot be read`, { cause });
  });
}

async function download(from: Source, signal: AbortSignal): Promise<string> {
  const answer = await fetch(from.source, { signal }).catch((cause: unknown) => {
    throw new McpkError('invalid', `manifest ${from.name}: ${from.source} does not answer`, { cause });
  });
  if (!answer.ok) throw new McpkError('invalid', `manifest ${from.name}: ${from.source} answers ${answer.status}`);
  return answer.text();
}
