import { McpkError } from '../core/errors.ts';
import { Limit } from './limits.ts';

/** sshd's MaxSessions is 10 by default; one is the session's own. */
const AT_ONCE = 4;

/**
 * Uploads of one connection at once. sshd refuses channels above MaxSessions: such an upload waits until
 * another one has ended, and fails only when it was alone.
 */
export class UploadSlots {
  readonly #limit = new Limit(AT_ONCE);
  readonly #running = new Set<Promise<unknown>>();

  async run<T>(work: () => Promise<T>, { host, signal }: { host: string; signal: AbortSignal }): Promise<T> {
    return this.#limit.run(async () => {
      for (;;) {
        const attempt = work();
        const others = [...this.#running];
        this.#running.add(attempt);
        try {
          return await attempt;
        } catch (error) {
          if (!isChannelRefusal(error)) throw error;
          if (others.length === 0) throw tooFewSessions(host, error);
          await Promise.race(others.map((other) => other.catch(() => undefined)));
          signal.throwIfAborted();
        } finally {
          this.#running.delete(attempt);
        }
      }
    }, signal);
  }
}

function isChannelRefusal(error: unknown): boolean {
  return error instanceof Error && !(error instanceof McpkError) && /channel open failure/i.test(error.message);
}

function tooFewSessions(host: string, cause: unknown): McpkError {
  return new McpkError('unreachable', `${host}: sshd refused a second channel`, {
    host,
    cause,
    hint: 'Set MaxSessions in its sshd_config to 2 or more.',
  });
}
