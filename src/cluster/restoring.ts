import { PATHS } from '../core/paths.ts';
import type { Facts, HostFacts } from './facts.ts';

/**
 * How far a host is in a restore of etcd. `barred`: its etcd, API server and controllers don't start; `aside`: its old
 * data lies aside; `loaded`: it has the data of the snapshot; `started`: its member may run with them; `serving`: API
 * servers may have written, so there is no way back.
 */
export const RESTORE_PHASES = ['barred', 'aside', 'loaded', 'started', 'serving'] as const;

export type RestorePhase = (typeof RESTORE_PHASES)[number];

/** What a host's {@link PATHS.restoring} says: `RUN SHA256 PHASE`. */
export interface Restoring {
  /** Of the run that began it: it names what lies aside, and makes the token of the new cluster. */
  run: string;
  /** Of the snapshot. */
  sha256: string;
  phase: RestorePhase;
}

export function restoringLine({ run, sha256, phase }: Restoring): string {
  return `${run} ${sha256} ${phase}`;
}

/** By host; `unknown` where there is such a file and it can't be read as one. */
export function restoringOn({ hosts }: Pick<Facts, 'hosts'>): Map<string, Restoring | 'unknown'> {
  return new Map([...hosts].flatMap(([name, own]) => (isRestoring(own) ? [[name, parse(own) ?? 'unknown']] : [])));
}

function isRestoring({ files }: HostFacts): boolean {
  return files[PATHS.restoring] !== undefined;
}

function parse({ files }: HostFacts): Restoring | undefined {
  const text = (files[PATHS.restoring] ?? '').slice(0, MOST_CHARACTERS);
  const [, run, sha256, word] = /^(\d{8}T\d{6}Z-[0-9a-f]{4}) ([0-9a-f]{64}) ([a-z]+)\n$/.exec(text) ?? [];
  const phase = RESTORE_PHASES.find((each) => each === word);
  return run === undefined || sha256 === undefined || phase === undefined ? undefined : { run, sha256, phase };
}

const MOST_CHARACTERS = 256;
