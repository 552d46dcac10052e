import type { Cluster } from '../inventory/types.ts';
import type { ArtifactIndex, Stage } from '../states/stage.ts';
import type { Emit, Selection } from './types.ts';

/** What a command gives to a run. */
export interface EngineInput {
  cluster: Cluster;
  stages: readonly Stage[];
  /** None before `withArtifacts`. */
  artifacts: ArtifactIndex;
  /** The binaries for these processors, as Go names them; what lacks is fetched. */
  openArtifacts(arches: readonly string[]): Promise<ArtifactIndex>;
  manifests: ReadonlyMap<string, string>;
  selection: Selection;
  concurrency: number;
  acceptNewHostKeys: boolean;
  /** `2` or `25%`: so many workers may be away. */
  skipUnreachable?: string;
  /** Takes down what should stay up: quorum, the last API server. */
  forceUnsafe?: boolean;
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
