import type { McpkError } from '../core/errors.ts';
import { noProgress, tooSlow } from './remote-errors.ts';

const MINUTE_MS = 60_000;

/** How long a host is waited for. */
export interface Patience {
  /** Between two signs of life to the host; it answers each with one of its own. */
  beatMs: number;
  /** Without any progress. */
  silentMs: number;
  /** For one request, however lively the host is. */
  limitMs: number;
  /** For one that may install packages or stream binaries. */
  longLimitMs: number;
}

export const PATIENCE: Patience = {
  beatMs: 2000,
  silentMs: 30_000,
  limitMs: 10 * MINUTE_MS,
  longLimitMs: 30 * MINUTE_MS,
};

export interface Wait {
  host: string;
  /** In the words of an error: `probe`, `the upload of /path`. */
  what: string;
  patience: Patience;
  limitMs: number;
  /** Grows with each sign of progress; undefined while something else has the deadline. */
  progress: () => number | undefined;
  giveUp: (error: McpkError) => void;
}

/**
 * Watches over what a host is to do; returns what ends the watch. It counts beats, not the clock: a process that was
 * stopped, or a machine that slept, has not heard yet what came meanwhile.
 */
export function watchOver({ host, what, patience, limitMs, progress, giveUp }: Wait): () => void {
  const { beatMs, silentMs } = patience;
  let seen = progress();
  let silent = 0;
  let age = 0;
  const timer = setInterval(() => {
    const now = progress();
    if (now === undefined) return;
    silent = now === seen ? silent + beatMs : 0;
    age += beatMs;
    seen = now;
    if (silent < silentMs && age < limitMs) return;
    clearInterval(timer);
    giveUp(silent < silentMs ? tooSlow({ host, what, limitMs }) : noProgress({ host, what, silentMs }));
  }, beatMs);
  return () => clearInterval(timer);
}
