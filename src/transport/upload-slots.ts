import { setTimeout as delay } from 'node:timers/promises';
import { McpkError } from '../core/errors.ts';
import { Limit } from '../core/limit.ts';

/** sshd's MaxSessions is 10 by default; one is the session's own. */
const AT_ONCE = 4;
/** sshd frees a channel's place a moment after it has closed. */
const ALONE_MS = [50, 100, 200, 400, 800];

/**
 * Uploads of one connection at once. sshd refuses channels above MaxSessions: such an upload waits until
 * another one has ended, and fails only when it was refused alone again and again.
 */
export class UploadSlots {
  readonly #limit = new Limit(AT_ONCE);
  readonly #running = new Set<Promise<unknown>>();

  run<T>(work: () => Promise<T>, { host, signal }: { host: string; signal: AbortSignal }): Promise<T> {
    return this.#limit.run(async () => {
      for (let alone = 0; ;) {
        const others = [...this.#running];
        try {
          return await this.#tracked(work());
        } catch (error) {
          if (!isChannelRefusal(error)) throw error;
          if (others.length > 0) await Promise.race(others.map((other) => other.catch(() => undefined)));
          else if (alone === ALONE_MS.length) throw tooFewSessions(host, error);
          else await delay((ALONE_MS[alone++] ?? 0) * (0.5 + Math.random()));
          signal.throwIfAborted();
        }
      }
    }, signal);
  }

  #tracked<T>(attempt: Promise<T>): Promise<T> {
    this.#running.add(attempt);
    return attempt.finally(() => this.#running.delete(attempt));
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
