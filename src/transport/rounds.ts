import { unreadable } from '../core/answer.ts';
import { McpkError } from '../core/errors.ts';
import type { Allowance } from './allowance.ts';
import type { RecordHead } from './frames.ts';
import { notAsked } from './remote-errors.ts';
import type { ConnectOptions, SessionRecord } from './types.ts';

/** How long the host may take to end a stopped round (TERM, 2 s, KILL). */
export const STOP_MS = 6000;

const NEVER = new AbortController().signal;

export interface Request {
  op: string;
  body: Buffer;
  allowance: Allowance;
  limitMs: number;
  onRecord: (record: SessionRecord) => void;
  signal: AbortSignal | undefined;
  resolve: (exitCode: number) => void;
  reject: (error: unknown) => void;
}

export interface RoundParts {
  host: string;
  /** Writes them all; throws when that is impossible. */
  send: (requests: readonly Request[]) => void;
  /** Tells the host to end the work. */
  stop: () => void;
  /** Gives the channel up. */
  destroy: (error: McpkError) => void;
  /** Called when the host is at it; returns what ends the watch. */
  watchOver: (request: Request) => () => void;
  inLine: ConnectOptions['inLine'];
}

/**
 * The requests of a session. One round is under way at a time: those that were made in the same turn, or while the
 * round before was under way. The host answers them one after the other.
 */
export class Rounds {
  readonly #parts: RoundParts;
  #waiting: Request[] = [];
  /** Of the round under way, those that are not answered yet; empty = the host is free. */
  #open: Request[] = [];
  #soon: NodeJS.Immediate | undefined;
  #stopped: McpkError | undefined;
  #end: () => void = () => undefined;
  /** Ends the watch over the request that the host is at. */
  #unwatch: () => void = () => undefined;
  /** Gives the place in line to the next host. */
  #over: () => void = () => undefined;
  #queued = false;
  #count = 0;

  constructor(parts: RoundParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#count;
  }

  add(request: Request): void {
    this.#waiting.push(request);
    this.#sendSoon();
  }

  /** Throws on what the host was not asked for, or no more of. */
  admit(head: RecordHead): void {
    const [request] = this.#open;
    if (!request) throw notAsked(this.#parts.host, head.kind);
    if (head.kind !== 'done') request.allowance.take(head);
    else if (head.size > 0) throw notAsked(this.#parts.host, 'more than an end', request.op);
  }

  /** A listener that throws fails its own request, not the channel. */
  record(record: SessionRecord): void {
    const [request] = this.#open;
    if (!request || this.#stopped) return;
    try {
      request.onRecord(record);
    } catch (error) {
      request.reject(unreadable(this.#parts.host, error));
      request.onRecord = () => undefined;
    }
  }

  done(exitCode: number): void {
    const request = this.#open.shift();
    if (this.#stopped) request?.reject(this.#stopped);
    else request?.resolve(exitCode);
    this.#proceed();
    if (this.#open.length > 0) return;
    this.#end();
    this.#sendSoon();
  }

  /** Nothing will be answered any more. */
  fail(error: McpkError): void {
    this.#end();
    for (const request of [...this.#open.splice(0), ...this.#waiting.splice(0)]) request.reject(error);
    this.#proceed();
  }

  /** To the request that is open now, if one is. */
  #proceed(): void {
    this.#unwatch();
    const [request] = this.#open;
    this.#unwatch = request ? this.#parts.watchOver(request) : () => undefined;
  }

  /** Not at once: what is asked in the same turn goes along. */
  #sendSoon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      if (this.#open.length === 0) this.#begin();
    });
  }

  /** What is asked while the round stands in line goes along. */
  #begin(): void {
    const { inLine } = this.#parts;
    this.#dropAborted();
    const first = this.#waiting.find(({ op }) => inLine?.ops.includes(op));
    if (!inLine || !first) return this.#send();
    if (this.#queued) return;
    this.#queued = true;
    const turn = async (): Promise<void> => {
      this.#queued = false;
      this.#send();
      if (this.#open.length > 0) await new Promise<void>((resolve) => (this.#over = resolve));
    };
    const calledOff = (): void => {
      this.#queued = false;
      this.#sendSoon();
    };
    inLine.limit.run(turn, first.signal ?? NEVER).catch(calledOff);
  }

  #dropAborted(): void {
    const gone = this.#waiting.filter((request) => request.signal?.aborted);
    this.#waiting = this.#waiting.filter((request) => !gone.includes(request));
    for (const request of gone) request.reject(interrupted(this.#parts.host, request.signal));
  }

  #send(): void {
    this.#dropAborted();
    const [first] = this.#waiting;
    // Only what one signal stops goes together: a stop ends the whole round.
    const others = this.#waiting.findIndex((request) => request.signal !== first?.signal);
    const round = this.#waiting.splice(0, others === -1 ? this.#waiting.length : others);
    if (!first) return;
    try {
      this.#parts.send(round);
    } catch (error) {
      for (const request of round) request.reject(error);
      return this.#sendSoon();
    }
    this.#count += 1;
    this.#open = round;
    this.#proceed();
    this.#watch(first.signal);
  }

  #watch(signal: AbortSignal | undefined): void {
    let impatient: NodeJS.Timeout | undefined;
    const stop = (): void => {
      const error = interrupted(this.#parts.host, signal);
      this.#stopped = error;
      impatient = setTimeout(() => this.#parts.destroy(error), STOP_MS);
      this.#parts.stop();
    };
    this.#stopped = undefined;
    signal?.addEventListener('abort', stop, { once: true });
    this.#end = () => {
      clearTimeout(impatient);
      signal?.removeEventListener('abort', stop);
      this.#over();
    };
  }
}

function interrupted(host: string, signal: AbortSignal | undefined): McpkError {
  const reason: unknown = signal?.reason;
  return reason instanceof McpkError
    ? reason
    : new McpkError('interrupted', `${host}: interrupted`, { host, cause: reason });
}
