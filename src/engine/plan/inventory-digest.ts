import { resolve } from 'node:path';
import { isMap } from '../../core/merge.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { sha256, weakHash } from '../../resources/identity.ts';
import type { ArtifactIndex } from '../../states/stage.ts';
import type { Plan } from '../types.ts';

export interface Described {
  cluster: Cluster;
  artifacts: ArtifactIndex;
  manifests: ReadonlyMap<string, string>;
}

/** What a plan remembers of the inventory that it was made of. */
export function inventoryOf(described: Described): Plan['inventory'] {
  return { files: described.cluster.files.map((file) => resolve(file)), sha256: inventoryDigest(described) };
}

/**
 * One digest over what is to be made: settings, binaries, manifests. How hosts are reached and where files lie on this
 * machine is left out: another machine with the same inventory gets the same digest. Secrets enter by name only, and
 * what may hold a password by 16 bits of its hash; a change that one of them makes on a host has its own hash in the
 * plan.
 */
export function inventoryDigest({ cluster, artifacts, manifests }: Described): string {
  const {
    files: _files,
    warnings: _warnings,
    hidden: _hidden,
    artifacts: _places,
    verify: _verify,
    proxy,
    pillar,
    hosts,
    leaving,
    addons,
    ...settings
  } = cluster;
  const described = {
    ...settings,
    hosts: hosts.map(withoutPlaces),
    leaving: leaving.map(withoutPlaces),
    network: { ...settings.network, calico: { ...settings.network.calico, manifest: undefined } },
    addons: { ...addons, manifests: addons.manifests.map(({ source: _source, ...manifest }) => manifest) },
    free: weakHash(canonical([proxy, pillar, hosts.map((host) => host.pillar)])),
    manifests: [...manifests].map(([name, text]) => [name, weakHash(text)]).toSorted(byText),
    binaries: artifacts
      .all()
      .map(({ component, name, sha256: sum }) => [component, name, sum])
      .toSorted(byText),
  };
  return sha256(canonical(described));
}

function withoutPlaces({ ssh: _ssh, source: _source, pillar: _pillar, ...host }: Host): Partial<Host> {
  return host;
}

/** JSON in which the order of keys says nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    isMap(item) ? Object.fromEntries(Object.entries(item).toSorted(byText)) : item,
  );
}

function byText(a: readonly unknown[], b: readonly unknown[]): number {
  return a.join(' ') < b.join(' ') ? -1 : 1;
}
