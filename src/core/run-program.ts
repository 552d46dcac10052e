import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** What an operator's program may take. */
export interface ProgramLimits {
  signal: AbortSignal;
  /** ms */
  time: number;
  /** Bytes that it may print. */
  output: number;
}

/** A program did not do what it is for; the message says why, in words. */
export class FailedProgram extends Error {
  /** The end of what it said on standard error, a line each. */
  readonly said: readonly string[];

  constructor(why: string, said: readonly string[] = [], cause?: unknown) {
    super(why, { cause });
    this.said = said;
  }
}

/** A program that is told to end has so long for it, and what holds the output of one that has ended. */
const GRACE_MS = 2000;
const MOST_SAID = 4096;

/**
 * What a program prints; without a shell, a terminal or anything on standard input. It is the first of a group of its
 * own, which is ended as a whole: what it has started is not left behind.
 *
 * @throws FailedProgram; the signal's reason, when the program is gone
 */
export async function outputOf(argv: readonly [string, ...string[]], limits: ProgramLimits): Promise<string> {
  limits.signal.throwIfAborted();
  const [program, ...words] = argv;
  const child = spawn(program, words, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const group = child.pid === undefined ? undefined : -child.pid;
  let why: string | undefined;
  let late: NodeJS.Timeout | undefined;
  // What has left the group may still hold the output.
  const cutOff = (): void => {
    endGroup(group, 'SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const stop = (because: string): void => {
    why ??= because;
    endGroup(group, 'SIGTERM');
    late ??= setTimeout(cutOff, GRACE_MS);
  };
  child.once('exit', () => (late ??= setTimeout(cutOff, GRACE_MS)));
  const onAbort = (): void => stop('interrupted');
  limits.signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => stop(`is not done after ${String(limits.time / 1000)} s`), limits.time);
  try {
    let said = '';
    child.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString('utf8')).slice(-MOST_SAID)));
    const printed = collect(child.stdout, limits.output, stop);
    const ending = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) => resolve(notStarted(error)));
      child.once('close', (code, signal) => resolve(code === 0 ? undefined : `ended with ${code ?? signal ?? ''}`));
    });
    limits.signal.throwIfAborted();
    const failed = why ?? ending;
    if (failed !== undefined) throw new FailedProgram(failed, said.split('\n').filter(Boolean).slice(-10));
    return Buffer.concat(printed).toString('utf8');
  } finally {
    clearTimeout(timer);
    clearTimeout(late);
    limits.signal.removeEventListener('abort', onAbort);
  }
}

function collect(from: Readable, most: number, stop: (why: string) => void): Buffer[] {
  const pieces: Buffer[] = [];
  let size = 0;
  from.on('data', (piece: Buffer) => {
    size += piece.length;
    if (size > most) stop(`prints more than ${String(most / 2 ** 20)} MiB`);
    else pieces.push(piece);
  });
  return pieces;
}

function notStarted(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such program';
  if (error.code === 'EACCES') return 'may not be run';
  return `could not be run (${error.code ?? error.message})`;
}

function endGroup(group: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (group !== undefined) process.kill(group, signal);
  } catch {
    // It has ended by itself.
  }
}
