import type { Needed } from '../../artifacts/types.ts';
import { withRuntimeSource } from '../../cluster/runtime-source.ts';
import { settled } from '../../core/settled.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { FetchView } from '../../report/fetch-view.ts';

export interface FetchManifests {
  'update-lock'?: boolean;
  locked?: boolean;
  signal: AbortSignal;
}

export interface FetchAll extends FetchManifests {
  arch: readonly string[];
  /** Is told how far it is; it ends with this. */
  view: FetchView;
}

/**
 * Fetches what lacks and checks what is there, as a run on new hosts does; what was fetched stands in the lock file,
 * whatever fails.
 */
export function fetchAll(cluster: Cluster, options: FetchAll): Promise<Needed> {
  return fetched(cluster, options).finally(options.view.end);
}

async function fetched(given: Cluster, options: FetchAll): Promise<Needed> {
  const cluster = withRuntimeSource(given);
  const { arch, 'update-lock': update = false, locked = false, signal, view } = options;
  const [{ openPins }, { openArtifacts }, { loadManifests }, { needed }] = await Promise.all([
    import('../../artifacts/pins.ts'),
    import('../../artifacts/open.ts'),
    import('../../artifacts/manifests.ts'),
    import('../../artifacts/needed.ts'),
  ]);
  const pins = await openPins(cluster, { update, locked });
  const binaries = openArtifacts(cluster, { arches: arch, pins, signal, onProgress: view.tell, onWait: view.say });
  // After them, and whatever became of them: no more is under way at once, and all that fails is told.
  const manifests = binaries.catch(() => undefined).then(() => loadManifests(cluster, { pins, signal }));
  const saved = manifests.catch(() => undefined).then(() => pins.save());
  await settled<unknown>([binaries, manifests, saved], signal);
  return needed(cluster, { arches: arch, pins: await openPins(cluster, { update: false }) });
}

/** The manifests alone, by name. */
export async function manifestsOf(cluster: Cluster, options: FetchManifests): Promise<Map<string, string>> {
  const { 'update-lock': update = false, locked = false, signal } = options;
  const [{ openPins }, { loadManifests }] = await Promise.all([
    import('../../artifacts/pins.ts'),
    import('../../artifacts/manifests.ts'),
  ]);
  const pins = await openPins(cluster, { update, locked });
  return loadManifests(cluster, { pins, signal }).finally(() => pins.save());
}
