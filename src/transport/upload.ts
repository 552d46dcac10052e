import { open, stat, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { McpkError } from '../core/errors.ts';
import { remoteScript } from './bootstrap.ts';
import { overChannel, type Bulk } from './bulk.ts';
import { Allowance } from './allowance.ts';
import type { Packing, Pace } from './pace.ts';
import { notAsked } from './remote-errors.ts';
import { RemoteScript } from './remote-script.ts';
import type { SessionRecord, Source } from './types.ts';

const WRITE_BYTES = 256 * 1024;
/** One is on its way while the host takes the other. */
const PARTS_ON_THE_WAY = 2;
/** What upload.sh reads before each part. */
const HEADER_BYTES = 16;

export interface Upload extends Bulk {
  source: Source;
  /** On the host. */
  path: string;
  sha256: string;
  /** Of the connection; learns from this upload. */
  pace: Pace;
  /** Bytes of the file, as the host has taken them. */
  onBytes: (n: number) => void;
}

/**
 * Streams a file to a host over a channel of its own. It appears under its name (0755) only when size and sha256
 * agree; else nothing is left there. Throws `stage` for a checksum or a full disk, `unreachable` when the
 * connection dies, or the signal's reason. Returns the bytes that went over the channel.
 */
export async function upload(options: Upload): Promise<{ sent: number; received: number }> {
  const piece = await pieceOf(options.source);
  const { size } = piece;
  const answer = Promise.withResolvers<SessionRecord>();
  answer.promise.catch(() => undefined);
  const taken = new Taken();
  const what = `the upload of ${options.path}`;
  const allowance = new Allowance(options.host, 'upload', what);
  const remote = await RemoteScript.open(options.connection, {
    ...options,
    script: remoteScript('upload'),
    args: [size, options.sha256],
    admit(head) {
      allowance.take(head);
      if (head.kind === 'part') taken.admit(options.host, what);
    },
    onRecord: (record) => (record.kind === 'part' ? taken.next() : answer.resolve(record)),
    onEnd: (error) => (taken.end(), answer.reject(error)),
  });
  return overChannel(remote, options, { kind: 'upload', what }, async () => {
    remote.write(`${options.path}\n`);
    // A host that gives up early (full disk) answers before it has read everything.
    await Promise.race([answer.promise, send(remote, { ...options, piece, taken })]);
    remote.end();
    const record = await answer.promise;
    if (record.kind !== 'stored') throw refused(options, record, size);
    await remote.closed;
    return { sent: remote.bytesSent, received: remote.bytesReceived };
  });
}

type Piece = Exclude<Source, string>;

async function pieceOf(source: Source): Promise<Piece> {
  return typeof source === 'string' ? { file: source, from: 0, size: (await stat(source)).size } : source;
}

type Sending = Upload & { piece: Piece; taken: Taken };

async function send(remote: RemoteScript, options: Sending): Promise<void> {
  const { piece, taken, pace, onBytes, signal } = options;
  const file = await open(piece.file);
  try {
    let free = performance.now();
    const end = piece.from + piece.size;
    for (let { from } = piece; from < end;) {
      if (!(await taken.waits(PARTS_ON_THE_WAY)) || signal.aborted) return;
      const { how, bytes } = pace.next();
      const length = Math.min(bytes, end - from);
      const started = performance.now();
      // Before it is sent: the answer may come in the same packet as the word that lets the last of it go.
      taken.expect(() => {
        const now = performance.now();
        // What came before it on the way is not its own time.
        pace.took(how, length, now - Math.max(started, free));
        free = now;
        onBytes(length);
      });
      if (!(await sendPart(remote, options, { file, how, from, length }))) return;
      from += length;
    }
    if (await taken.waits(1)) remote.write(header('end'));
  } finally {
    await file.close();
  }
}

interface Part {
  file: FileHandle;
  how: Packing;
  from: number;
  length: number;
}

/** False when the channel has closed meanwhile, or the file has become shorter. */
async function sendPart(remote: RemoteScript, options: Sending, part: Part): Promise<boolean> {
  if (part.how === 'gzip') {
    const packed = await pack(await readAt(part.file, part.from, part.length));
    remote.write(header(part.how, packed.length));
    return remote.pour(packed);
  }
  remote.write(header(part.how, part.length));
  // Large writes, corked until the next turn: many SSH packets then share one system call.
  const { stream } = options.connection;
  for (let done = 0; done < part.length;) {
    const chunk = await readAt(part.file, part.from + done, Math.min(WRITE_BYTES, part.length - done));
    if (chunk.length === 0 || options.signal.aborted) return false;
    done += chunk.length;
    stream.cork();
    setImmediate(() => stream.uncork());
    if (!(await remote.pour(chunk))) return false;
  }
  return true;
}

function header(...words: readonly (string | number)[]): string {
  return words.join(' ').padEnd(HEADER_BYTES);
}

/** Only a slow link pays for loading zlib. */
async function pack(bytes: Buffer): Promise<Buffer> {
  const { gzip } = await import('node:zlib');
  return promisify(gzip)(bytes, { level: 1 });
}

/** Less at the end of the file. */
async function readAt(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, from);
  return buffer.subarray(0, bytesRead);
}

/** Parts that the host has not answered yet, in their order. */
class Taken {
  readonly #open: (() => void)[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  expect(then: () => void): void {
    this.#open.push(then);
  }

  /** Throws when none was sent that is not answered. */
  admit(host: string, what: string): void {
    if (this.#open.length === 0) throw notAsked(host, 'part', what);
  }

  next(): void {
    this.#open.shift()?.();
    this.#wake();
  }

  /** The host answers no more. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Resolves when fewer than that many are open; false when the host answers no more. */
  async waits(below: number): Promise<boolean> {
    while (this.#open.length >= below && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    return !this.#ended;
  }
}

function refused({ host, path, sha256, source }: Upload, record: SessionRecord, size: number): McpkError {
  const [why, found] = record.args;
  if (why === 'checksum')
    return new McpkError(
      'stage',
      `${host}: the checksum of ${path} is wrong after the upload; nothing was put in place`,
      {
        host,
        details: [`wanted  sha256 ${sha256}`, `found   sha256 ${found}`],
        hint: `Compare with sha256sum ${typeof source === 'string' ? source : source.file}; fetch the file anew when it differs.`,
      },
    );
  if (why === 'size')
    return new McpkError('stage', `${host}: ${found} of ${size} bytes of ${path} arrived; nothing was put in place`, {
      host,
      hint: 'Was the file changed while it was sent? Run the same command again.',
    });
  // `dd: error writing 'standard output': No space left on device`: the last part is the cause.
  const cause = record.body.toString('utf8').trim().split(': ').at(-1) ?? '';
  return new McpkError('stage', `${host}: cannot write ${path}: ${cause}; nothing was put in place`, {
    host,
    hint: `Make room, or mount it writable: look at df and mount for ${path} on the host.`,
  });
}
