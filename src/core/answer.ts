import { McpkError } from './errors.ts';
import { inTurns } from './turns.ts';

/** Reads what a host answered; what the reading trips over is an error that names the host. */
export function understood<T>(host: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(host, error);
  }
}

/** The same, of what is read in pieces. */
export async function understoodInTurns<T>(host: string, reading: Generator<undefined, T>): Promise<T> {
  try {
    return await inTurns(reading);
  } catch (error) {
    throw unreadable(host, error);
  }
}

/** More than this is read in a turn of its own: each reader is held to 200 ms, not several together. */
export const LONG_ANSWER = 64 * 1024;

/** Nonsense is its sender's: no TypeError of ours. An error that says so already stays as it is. */
export function unreadable(host: string, cause: unknown): McpkError {
  if (cause instanceof McpkError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new McpkError('unreachable', `${host}: answered what cannot be read (${why.slice(0, 200)})`, {
    host,
    hint: 'Run the same command again. If it stays, look at what its sh and coreutils print.',
    cause,
  });
}

const LONGEST_LINE = 8192;
/** Of what a program says; systemd's and kubectl's reasons have less. */
const MOST_CHARACTERS = 64 * 1024;

/** The last lines of what a program said. */
export function lastLines(text: string | undefined, most: number): string[] {
  const end = (text ?? '').slice(-MOST_CHARACTERS).trim();
  return end === '' ? [] : end.split('\n').slice(-most);
}

/** What a program says last is what stopped it. */
export function lastLine(text: string | undefined): string {
  return text?.slice(-LONGEST_LINE).trimEnd().split('\n').at(-1) ?? 'no answer';
}
