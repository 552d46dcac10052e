import { McpkError } from '../core/errors.ts';
import { decodeAnswer, encodeCommands } from './commands.ts';
import type { RemoteAnswer, RemoteCommand } from './commands.ts';
import { codeFrame, requestFrame } from './frames.ts';
import type { RemoteScript } from './remote-script.ts';
import type { Session, SessionRecord, Traffic } from './types.ts';

const BEAT_MS = 2000;
/** How long the host may take to end a stopped request (TERM, 3 s, KILL). */
const STOP_MS = 6000;
/** It lies in the host's memory (tmpfs). */
const LARGEST_BODY = 64 * 1024 * 1024;
/** Silent beats after which a record that `done` was swallowed by counts as broken. */
const STALLED_BEATS = 3;

interface Running {
  onRecord: (record: SessionRecord) => void;
  resolve: (exitCode: number) => void;
  reject: (error: unknown) => void;
}

export interface SessionParts {
  host: string;
  code: Readonly<Record<string, string>>;
  /** Scripts that inherit the lock as fd 9. */
  keepsLock: readonly string[];
  upload: (file: Parameters<Session['upload']>) => Promise<{ sent: number; received: number }>;
  release: () => void;
}

/** The operator's half of session.sh. */
export class HostSession implements Session {
  readonly host: string;
  readonly #parts: SessionParts;
  #remote: RemoteScript | undefined;
  #running: Running | undefined;
  #failure: McpkError | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #beat: NodeJS.Timeout | undefined;
  #stalled = { bytes: -1, beats: 0 };
  readonly #sent = new Set<string>();
  readonly #bulk = { roundTrips: 0, sent: 0, received: 0 };
  #requests = 0;
  #closing: Promise<void> | undefined;

  constructor(parts: SessionParts) {
    this.host = parts.host;
    this.#parts = parts;
  }

  /** What the channel is given as listeners; it is opened after the session is made. */
  readonly onRecord = (record: SessionRecord): void => this.#take(record);
  readonly onEnd = (error: McpkError): void => this.#fail(error);

  attach(remote: RemoteScript): this {
    this.#remote = remote;
    this.#beat = setInterval(() => this.#keepAlive(remote), BEAT_MS);
    if (this.#failure) clearInterval(this.#beat);
    return this;
  }

  get traffic(): Traffic {
    return {
      roundTrips: this.#requests + this.#bulk.roundTrips,
      bytesSent: (this.#remote?.bytesSent ?? 0) + this.#bulk.sent,
      bytesReceived: (this.#remote?.bytesReceived ?? 0) + this.#bulk.received,
      connections: 1,
    };
  }

  async request(
    op: string,
    body: Buffer,
    onRecord: (record: SessionRecord) => void,
    signal?: AbortSignal,
  ): Promise<{ exitCode: number }> {
    const turn = this.#queue.then(() => this.#request(op, body, onRecord, signal));
    this.#queue = turn.catch(() => undefined);
    return { exitCode: await turn };
  }

  async exec(commands: readonly RemoteCommand[], signal?: AbortSignal): Promise<RemoteAnswer[]> {
    if (commands.length === 0) return [];
    const answers: RemoteAnswer[] = [];
    let trouble = '';
    await this.request(
      'exec',
      encodeCommands(commands),
      (record) => {
        if (record.kind === 'stderr') trouble = record.body.toString('utf8');
        else if (record.kind === 'exec') {
          const [id, answer] = decodeAnswer(record);
          answers[id] = answer;
        }
      },
      signal,
    );
    const missing = commands.findIndex((_, index) => answers[index] === undefined);
    if (missing !== -1) throw this.#unexpected(`no answer from ${commands[missing]?.argv[0]}`, trouble);
    return answers;
  }

  async read(path: string, signal?: AbortSignal): Promise<Buffer> {
    if (/[\n\0]/.test(path)) throw new TypeError('a path with a newline');
    let bytes: Buffer | undefined;
    let trouble = '';
    const { exitCode } = await this.request(
      'cat',
      Buffer.from(`${path}\n`),
      (record) => {
        if (record.kind === 'file') bytes = record.body;
        else if (record.kind === 'stderr') trouble = record.body.toString('utf8');
      },
      signal,
    );
    if (exitCode !== 0 || !bytes) throw this.#unexpected(`cannot read ${path}`, trouble);
    return bytes;
  }

  async upload(...file: Parameters<Session['upload']>): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#bulk.roundTrips += 1;
    const { sent, received } = await this.#parts.upload(file);
    this.#bulk.sent += sent;
    this.#bulk.received += received;
  }

  /** Ends what runs, frees the lock, closes the connection. Never throws. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#beat);
    this.#remote?.end();
    await within(STOP_MS, this.#remote?.closed ?? Promise.resolve());
    this.#fail(new McpkError('unreachable', `${this.host}: the session is closed`, { host: this.host }));
    this.#parts.release();
  }

  async #request(
    op: string,
    body: Buffer,
    onRecord: Running['onRecord'],
    signal: AbortSignal | undefined,
  ): Promise<number> {
    if (signal?.aborted) throw interrupted(this.host, signal);
    if (body.length > LARGEST_BODY) throw new TypeError(`a request of ${body.length} bytes: bulk data is for upload`);
    const remote = this.#remote;
    if (this.#failure || !remote) throw this.#failure ?? new TypeError('the session has no channel yet');
    this.#requests += 1;
    let abort: (() => void) | undefined;
    try {
      return await new Promise<number>((resolve, reject) => {
        this.#running = { onRecord, resolve, reject };
        abort = () => this.#stop(remote, reject, signal);
        signal?.addEventListener('abort', abort, { once: true });
        remote.write(Buffer.concat([...this.#codeOf(op), requestFrame(op, body)]));
      });
    } finally {
      if (abort) signal?.removeEventListener('abort', abort);
      this.#running = undefined;
    }
  }

  /** Code goes with the first request that needs it. */
  #codeOf(op: string): Buffer[] {
    const code = this.#parts.code[op];
    if (code === undefined || this.#sent.has(op)) return [];
    this.#sent.add(op);
    return [codeFrame(op, code, this.#parts.keepsLock.includes(op))];
  }

  /** Asks the host to end the work; without an answer the whole channel goes. */
  #stop(remote: RemoteScript, reject: Running['reject'], signal: AbortSignal | undefined): void {
    const error = interrupted(this.host, signal);
    const impatient = setTimeout(() => remote.destroy(error), STOP_MS);
    const settle = (): void => {
      clearTimeout(impatient);
      reject(error);
    };
    this.#running = { onRecord: () => undefined, resolve: settle, reject: settle };
    remote.write('stop\n');
  }

  #take(record: SessionRecord): void {
    switch (record.kind) {
      case 'ready':
        return;
      case 'locked':
        return this.#fail(lockedBy(this.host, record.body.toString('utf8')));
      case 'done':
        return this.#running?.resolve(Number(record.args[0]));
      default:
        try {
          this.#running?.onRecord(record);
        } catch (error) {
          // A listener that throws fails its own request, not the channel.
          this.#running?.reject(error);
          this.#running = undefined;
        }
    }
  }

  #fail(error: McpkError): void {
    this.#failure ??= error;
    clearInterval(this.#beat);
    this.#running?.reject(this.#failure);
  }

  /** Also finds a script that died in the middle of a record: the `done` behind it was taken for its bytes. */
  #keepAlive(remote: RemoteScript): void {
    remote.write('beat\n');
    const open = remote.unfinished;
    const swallowed =
      open !== undefined && /(^|\n|[^\n])done \d+ 0\n$/.test(open.tail) && remote.bytesReceived === this.#stalled.bytes;
    this.#stalled = { bytes: remote.bytesReceived, beats: swallowed ? this.#stalled.beats + 1 : 0 };
    if (this.#stalled.beats < STALLED_BEATS || !open) return;
    remote.destroy(
      this.#unexpected(`a script ended in the middle of a record (${open.kind}, ${open.missing} bytes missing)`, ''),
    );
  }

  #unexpected(what: string, stderr: string): McpkError {
    const details = stderr
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-20);
    return new McpkError('unexpected', `${this.host}: ${what}`, { host: this.host, details });
  }
}

function lockedBy(host: string, holder: string): McpkError {
  return new McpkError('locked', `${host}: another run holds the lock${holder === '' ? '' : `: ${holder}`}`, {
    host,
    hint: 'Wait for it to end. A run that died lets go within 20 s.',
  });
}

function interrupted(host: string, signal: AbortSignal | undefined): McpkError {
  const reason: unknown = signal?.reason;
  return reason instanceof McpkError
    ? reason
    : new McpkError('interrupted', `${host}: interrupted`, { host, cause: reason });
}

async function within(ms: number, event: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([event, new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
