import type { Facts } from '../../cluster/facts.ts';
import type { Answer, Ask } from '../../cluster/gate.ts';
import type { Secret } from '../../core/secret.ts';
import type { Source } from '../../transport/types.ts';
import type { Stage } from '../stage.ts';

/** What a command wants to happen once, beside what the inventory says: stages that describe nothing. */
export interface Wish {
  /** Where hosts decide them, those that are announced before a host was asked. */
  stages: readonly Stage[];
  /** Makes them of what hosts tell. */
  stagesOf?(seen: Seen): Promise<MadeStages>;
  /** It goes on with a restore of etcd, which forbids all others; what else forbids it `stagesOf` throws. */
  restores?: true;
}

/** What is known once hosts were reached. */
export interface Seen {
  facts: Facts;
  ask: (asks: readonly Ask[]) => Promise<Answer[]>;
  /** Names the run. */
  run: string;
}

export interface MadeStages {
  stages: readonly Stage[];
  /** What their steps send, by its name. */
  sent?: ReadonlyMap<string, Sent>;
}

/** A file, which lies on the host under `path` when its step is taken, or a secret for the step's standard input. */
export type Sent = { source: Source; path: string; sha256: string; size: number } | Secret;
