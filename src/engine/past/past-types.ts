import type { McpkError } from '../../core/errors.ts';

export type PastResult = 'succeeded' | 'failed' | 'rolled-back' | 'interrupted' | 'cut off' | 'under way';

/** A run as the journals of the hosts tell of it. Times are ms since the epoch, by the hosts' clocks. */
export interface PastRun {
  run: string;
  who: string;
  command: string;
  /** Hash of what it set out to do (plan-hash.ts): two runs with the same one planned the same changes. */
  plan: string;
  startedAt: number;
  /** Of its last line. */
  endedAt: number;
  /** Resources. */
  changed: number;
  result: PastResult;
  exitCode?: number;
  /** Those that it changed. */
  hosts: PastRunOnHost[];
}

export interface PastRunOnHost {
  host: string;
  /** Number of its lock. */
  fence: string;
  startedAt: number;
  endedAt: number;
  changed: number;
  result: PastResult;
  exitCode?: number;
  /** `in etcd at unit:etcd.service`, `after etcd`: where it was last seen; absent when it came to its end. */
  where?: string;
  /** All that it did there, in order. */
  entries: JournalEntry[];
}

/** A line of docs/journal.md: an event and its words, decoded. */
export interface JournalEntry {
  /** ms since the epoch, by the host's clock. */
  at: number;
  event: string;
  words: string[];
}

export interface History {
  /** The latest last. */
  runs: PastRun[];
  /** Hosts whose journal could not be read. */
  unreachable: McpkError[];
}
