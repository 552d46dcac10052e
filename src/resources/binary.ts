import { PATHS } from '../core/paths.ts';
import { rests } from './identity.ts';
import type { BinaryResource, ResourceKind } from './types.ts';

/** Lies in the host's store under its hash; the engine sends it over a second channel, before the stream. */
export const binary: ResourceKind<BinaryResource> = {
  id: ({ name, sha256 }) => `${name}@${sha256.slice(0, 12)}`,
  paths: () => [],
  reads(resource, into) {
    into.binaries.push(storePath(resource));
  },

  compare(resource, observed) {
    const { sha256, version, size } = resource;
    const seen = observed.binaries[storePath(resource)];
    if (seen === sha256) return { result: 'unchanged', reason: `${version} is in the store`, hash: sha256 };
    return {
      result: 'change',
      verb: seen === undefined ? 'create' : 'update',
      reasons: [seen === undefined ? 'not in the store' : 'damaged in the store'],
      hash: sha256,
      rests: rests(seen),
      specification: [`version ${version}`, `${(size / 1_000_000).toFixed(1)} MB`, `sha256 ${sha256}`],
    };
  },

  converge: () => Promise.resolve([]),
  upload: (resource) => ({
    source: resource.source,
    path: storePath(resource),
    sha256: resource.sha256,
    size: resource.size,
  }),
  // The reference holds a part of the hash only. What nothing leads to does no harm.
  remove: () => [],
  implied: () => [],
  title: ({ name, version }) => `${name} ${version}`,
};

export function storePath({ sha256 }: BinaryResource): string {
  return `${PATHS.store}/${sha256}`;
}
