import { createHash } from 'node:crypto';
import { McpkError } from '../core/errors.ts';
import type { Cluster } from '../inventory/types.ts';
import { COMPONENTS, type ComponentName, type Release } from './components.ts';
import type { Pins } from './pins.ts';
import { artifactsRoot, isOfInventory } from './root.ts';
import type { SafeFolder } from './safe-folder.ts';

/** One component for one processor: DIRECTORY/COMPONENT/VERSION/linux-ARCH. */
export interface Shelf {
  component: ComponentName;
  version: string;
  arch: string;
  /** Filled by hand or from upstream: whoever shares the root may take what lies here. */
  common: SafeFolder;
  /** Where what lacks is put: the common one, or one of the mirror's own, DIRECTORY/from/HASH/COMPONENT/…. */
  own: SafeFolder;
  /** What a file in it is called where sums are pinned. */
  key: (name: string) => string;
  required: readonly string[];
  release: Release;
}

/** Files that are to be on a shelf, and are not. */
export interface Lacking {
  shelf: Shelf;
  names: readonly string[];
}

/** Which folders a run looks into, and fills. */
export function shelvesOf(cluster: Cluster, arches: readonly string[], pins: Pins): Shelf[] {
  const root = artifactsRoot(cluster);
  const inPlace = isOfInventory(root.path, cluster.files);
  return COMPONENTS.flatMap((component) => {
    const required = component.required(cluster);
    if (required.length === 0) return [];
    return arches.map((arch) => {
      const version = component.version(cluster);
      const mirror = component.mirror(cluster).replace(/\/+$/, '');
      const names = [segment(component.name), segment(version), `linux-${segment(arch)}`];
      const release = component.release(mirror, version, arch);
      const key = (name: string): string => [...names, name].join('/');
      const fetched = (release.type === 'archive' ? [release.file] : required).map(key);
      const common = root.below(...names);
      const trusted = inPlace || mirror === component.upstream;
      const own = trusted ? common : root.below('from', nameOf(mirror, fetched, pins), ...names);
      return { component: component.name, version, arch, common, own, key, required, release };
    });
  });
}

/**
 * Whatever a mirror gives, other inventories get it only when they name that mirror themselves. Without TLS it's the
 * sums of an inventory that decide what it gave, so they must be the same, too.
 */
function nameOf(mirror: string, keys: readonly string[], pins: Pins): string {
  const sums = mirror.startsWith('https:') ? [] : keys.map((key) => pins.expected(key)?.sha256);
  return createHash('sha256')
    .update(JSON.stringify([mirror, ...sums]))
    .digest('hex')
    .slice(0, 32);
}

export const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;

/** Versions come from the inventory and processors from the hosts: neither may lead out of the folder. */
function segment(name: string): string {
  if (SEGMENT.test(name)) return name;
  throw new McpkError('invalid', `${JSON.stringify(name)} can't be part of a binary's path`);
}
