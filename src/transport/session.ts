import { McpkError } from '../core/errors.ts';
import { Allowance } from './allowance.ts';
import { decodeAnswer, encodeCommands } from './commands.ts';
import type { RemoteAnswer, RemoteCommand } from './commands.ts';
import { codeFrame, requestFrame } from './frames.ts';
import type { RecordHead } from './frames.ts';
import { holderOf, lockedError } from './lock.ts';
import { PATIENCE, watchOver } from './patience.ts';
import type { Patience, Wait } from './patience.ts';
import { RECORD_LIMITS } from './record-limits.ts';
import { notAsked } from './remote-errors.ts';
import type { RemoteScript } from './remote-script.ts';
import { Rounds, STOP_MS, type Request } from './rounds.ts';
import type { ConnectOptions, Downloaded, LockHolder, Session, SessionRecord, Traffic } from './types.ts';

/** It lies in the host's memory (tmpfs). */
const LARGEST_BODY = 64 * 1024 * 1024;
/** Silent beats after which a record that `done` was swallowed by counts as broken. */
const STALLED_BEATS = 3;

type Asked = Pick<Request, 'op' | 'body' | 'onRecord' | 'signal'> & { long: boolean };

export interface SessionParts {
  host: string;
  code: Readonly<Record<string, string>>;
  /** Scripts that inherit the lock as fd 9: they change the host, and have the long limit. */
  keepsLock: readonly string[];
  upload: (file: Parameters<Session['upload']>) => Promise<{ sent: number; received: number }>;
  download: (request: Parameters<Session['download']>) => Promise<Downloaded & { sent: number; received: number }>;
  release: () => void;
  inLine?: ConnectOptions['inLine'];
  patience?: Patience;
}

/** The operator's half of session.sh. */
export class HostSession implements Session {
  readonly host: string;
  readonly #parts: SessionParts;
  #remote: RemoteScript | undefined;
  readonly #rounds: Rounds;
  #failure: McpkError | undefined;
  /** Why requests are not sent: the lock is another's. */
  #refusal: McpkError | undefined;
  #lock = answer();
  /** Answers to tries at the lock that have not come. */
  #locksAsked = 1;
  #unwatchLock: () => void = () => undefined;
  #beat: NodeJS.Timeout | undefined;
  #stalled = { bytes: -1, beats: 0 };
  readonly #sent = new Set<string>();
  readonly #bulk = { roundTrips: 0, sent: 0, received: 0 };
  #closing: Promise<void> | undefined;

  constructor(parts: SessionParts) {
    this.host = parts.host;
    this.#parts = parts;
    this.#rounds = new Rounds({
      host: this.host,
      send: (requests) => this.#send(requests),
      stop: () => this.#remote?.write('stop\n'),
      destroy: (error) => this.#remote?.destroy(error),
      watchOver: ({ op, limitMs }) => this.#watchOver({ what: op, limitMs, progress: () => this.progress }),
      inLine: parts.inLine,
    });
  }

  /** What the channel is given as listeners; it is opened after the session is made. */
  readonly onRecord = (record: SessionRecord): void => this.#take(record);
  readonly admit = (head: RecordHead): void => this.#admit(head);
  readonly onEnd = (error: McpkError): void => this.#fail(error);

  attach(remote: RemoteScript): this {
    this.#remote = remote;
    this.#beat = setInterval(() => this.#keepAlive(remote), this.#patience.beatMs);
    if (this.#failure) clearInterval(this.#beat);
    else if (this.#locksAsked > 0) this.#watchLock();
    return this;
  }

  /** Grows with what comes from the host; undefined until its script has begun. */
  get progress(): number | undefined {
    return this.#remote?.progress;
  }

  get traffic(): Traffic {
    return {
      roundTrips: this.#rounds.count + this.#bulk.roundTrips,
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
    return { exitCode: await this.#ask({ op, body, onRecord, signal, long: this.#parts.keepsLock.includes(op) }) };
  }

  #ask({ long, ...request }: Asked): Promise<number> {
    const { length } = request.body;
    if (length > LARGEST_BODY) throw new TypeError(`a request of ${length} bytes: bulk data is for upload`);
    const limitMs = long ? this.#patience.longLimitMs : this.#patience.limitMs;
    const allowance = new Allowance(this.host, request.op);
    return new Promise((resolve, reject) => {
      this.#rounds.add({ ...request, allowance, limitMs, resolve, reject });
    });
  }

  async exec(commands: readonly RemoteCommand[], signal?: AbortSignal): Promise<RemoteAnswer[]> {
    if (commands.length === 0) return [];
    const answers: RemoteAnswer[] = [];
    let trouble = '';
    const onRecord = (record: SessionRecord): void => {
      if (record.kind === 'stderr') trouble = record.body.toString('utf8');
      else if (record.kind === 'exec') {
        const [id, answer] = decodeAnswer(record, commands);
        answers[id] = answer;
      }
    };
    const long = commands.some((command) => command.long === true);
    await this.#ask({ op: 'exec', body: encodeCommands(commands), onRecord, signal, long });
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

  async download(...request: Parameters<Session['download']>): Promise<Downloaded> {
    if (this.#failure) throw this.#failure;
    this.#bulk.roundTrips += 1;
    const { sent, received, ...answer } = await this.#parts.download(request);
    this.#bulk.sent += sent;
    this.#bulk.received += received;
    return answer;
  }

  lockHolder(): Promise<LockHolder | undefined> {
    return this.#lock.promise;
  }

  takeLock(): Promise<LockHolder | undefined> {
    this.#lock = answer();
    if (this.#failure) this.#lock.reject(this.#failure);
    else {
      this.#locksAsked += 1;
      this.#remote?.write('lock\n');
      this.#watchLock();
    }
    return this.#lock.promise;
  }

  giveLock(): void {
    this.#refusal ??= new McpkError('locked', `${this.host}: the lock was given back`, { host: this.host });
    this.#remote?.write('unlock\n');
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
  }

  #send(requests: readonly Request[]): void {
    const remote = this.#remote;
    const problem = this.#failure ?? this.#refusal;
    if (problem || !remote) throw problem ?? new TypeError('the session has no channel yet');
    const frames = requests.flatMap(({ op, body }, index) => [
      ...this.#codeOf(op),
      requestFrame(index === requests.length - 1 ? 'request' : 'part', op, body),
    ]);
    remote.write(Buffer.concat(frames));
  }

  /** Code goes with the first request that needs it. */
  #codeOf(op: string): Buffer[] {
    const code = this.#parts.code[op];
    if (code === undefined || this.#sent.has(op)) return [];
    this.#sent.add(op);
    return [codeFrame(op, code, this.#parts.keepsLock.includes(op))];
  }

  /** Signs of life do not prolong this one: a lock is had or not, at once. */
  #watchLock(): void {
    this.#unwatchLock();
    const began = (): number | undefined => (this.progress === undefined ? undefined : 0);
    this.#unwatchLock = this.#watchOver({ what: 'its lock', limitMs: this.#patience.limitMs, progress: began });
  }

  #watchOver(wait: Pick<Wait, 'what' | 'limitMs' | 'progress'>): () => void {
    const giveUp = (error: McpkError): void => this.#remote?.destroy(error);
    return watchOver({ ...wait, host: this.host, patience: this.#patience, giveUp });
  }

  get #patience(): Patience {
    return this.#parts.patience ?? PATIENCE;
  }

  /** Throws on what nobody waits for, before it is read. */
  #admit(head: RecordHead): void {
    const { kind, size } = head;
    if (kind !== 'ready' && kind !== 'locked') return this.#rounds.admit(head);
    if (this.#locksAsked === 0 || size > (RECORD_LIMITS.get(kind)?.bytes ?? 0)) throw notAsked(this.host, kind);
    this.#locksAsked -= 1;
    if (this.#locksAsked === 0) this.#unwatchLock();
  }

  #take(record: SessionRecord): void {
    switch (record.kind) {
      case 'ready':
        this.#refusal = undefined;
        return this.#lock.resolve(undefined);
      case 'locked':
        return this.#refuse(holderOf(record));
      case 'done':
        return this.#rounds.done(exitCodeOf(record));
      default:
        return this.#rounds.record(record);
    }
  }

  /** What was sent along with the first try is dropped by the host; later tries have nothing with them. */
  #refuse(holder: LockHolder): void {
    const error = lockedError(new Map([[this.host, holder]]));
    if (!this.#refusal) this.#rounds.fail(error);
    this.#refusal = error;
    this.#lock.resolve(holder);
  }

  /** Nothing more is heard of that host, whatever it still sends. */
  #fail(error: McpkError): void {
    this.#failure ??= error;
    this.#lock.reject(this.#failure);
    clearInterval(this.#beat);
    this.#unwatchLock();
    this.#rounds.fail(this.#failure);
    this.#parts.release();
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
    return new McpkError('unreachable', `${this.host}: ${what}`, { host: this.host, details });
  }
}

/** Nobody need wait for it. */
function answer(): PromiseWithResolvers<LockHolder | undefined> {
  const made = Promise.withResolvers<LockHolder | undefined>();
  made.promise.catch(() => undefined);
  return made;
}

/** Never 0 for what is no number: nonsense is not success. */
function exitCodeOf({ args }: SessionRecord): number {
  return /^\d{1,3}$/.test(args[0] ?? '') ? Number(args[0]) : 255;
}

async function within(ms: number, event: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([event, new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
