import { spawn } from 'node:child_process';
import { McpkError } from '../core/errors.ts';
import type { SafeFolder } from './safe-folder.ts';

/** ms; one that is done sooner is not worth a word. */
const QUIET = 1000;

interface AloneOptions {
  signal: AbortSignal;
  /** Another one fills the folder. */
  onWait: (message: string) => void;
}

/**
 * Does `work` while no other mcpk of this machine fills the folder: two that write into one half file would both lose
 * it. The lock is flock's, on the folder itself, which nobody has to clear away: its holder ends with this process. A
 * machine without flock does without.
 */
export async function alone<T>(folder: SafeFolder, options: AloneOptions, work: () => Promise<T>): Promise<T> {
  const release = await locked(folder, options);
  return work().finally(release);
}

async function locked(folder: SafeFolder, { signal, onWait }: AloneOptions): Promise<() => void> {
  const isThere = await folder.make().then(
    () => true,
    (error: unknown) => {
      if (error instanceof McpkError) throw error;
      // What else is wrong with it is told by who writes there.
      return false;
    },
  );
  if (!isThere) return () => undefined;
  // In a group of its own: Ctrl-C has what was begun brought to an end, under the lock. By the slash no file is made.
  const child = spawn('flock', [`${folder.path}/`, 'sh', '-c', 'echo; exec cat >/dev/null'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const release = (): void => {
    child.stdin.end();
    child.kill();
  };
  child.stdin.on('error', () => undefined);
  const waiting = setTimeout(() => onWait(`waiting for another mcpk that fetches into ${folder.path}`), QUIET);
  await new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
    child.stdout.once('data', () => resolve());
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearTimeout(waiting);
  if (!signal.aborted) return release;
  release();
  throw signal.reason;
}
