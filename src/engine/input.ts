import type { Cluster } from '../inventory/types.ts';
import type { HostKeysFrom } from '../transport/host-keys-from.ts';
import type { ArtifactIndex, Stage } from '../states/stage.ts';
import type { Emit, Selection } from './types.ts';

/** What a command gives to a run. */
export interface EngineInput {
  cluster: Cluster;
  stages: readonly Stage[];
  /** None before `withMaterials`; nor are the manifests. */
  artifacts: ArtifactIndex;
  /** The binaries of a cluster for these processors, as Go names them; what lacks is fetched. */
  openArtifacts(cluster: Cluster, arches: readonly string[]): Promise<ArtifactIndex>;
  manifests: ReadonlyMap<string, string>;
  /** Text of the manifests that the inventory names, by name; what lacks is fetched. */
  openManifests(): Promise<ReadonlyMap<string, string>>;
  selection: Selection;
  concurrency: number;
  acceptNewHostKeys: boolean;
  /** Over known_hosts. */
  hostKeys?: HostKeysFrom | undefined;
  /** ms; how long to wait for hosts that are not up. 0 or absent = not at all. */
  waitForHosts?: number | undefined;
  /** `2` or `25%`: so many workers may be away. */
  skipUnreachable?: string;
  /** Takes down what should stay up: quorum, the last API server. */
  forceUnsafe?: boolean;
  /**
   * Where a bundle of etcd goes before another version of what writes its data: a folder that is there, or a file.
   * Absent = none is taken.
   */
  snapshot?: string | undefined;
  /** A host whose gate fails after a change stays as it is. */
  noRollback?: boolean;
  signal: AbortSignal;
  emit: Emit;
  /** `user@host`, for the journal. */
  who: string;
  /** `user@host pid 123, apply`: shown to whoever finds the lock taken. */
  lockNote: string;
  /** ms; how long to wait for locks that others hold. 0 or absent = not at all. */
  waitLock?: number;
  tool: string;
  command: string;
}
