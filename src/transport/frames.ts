import type { SessionRecord } from './types.ts';

const NEWLINE = 0x0a;
const LONGEST_LINE = 8192;
/** More than any request may be answered with; what each may is the session's business. */
const LARGEST_RECORD = 64 * 1024 * 1024;

/** What of a record is known before its bytes. */
export interface RecordHead {
  kind: string;
  args: string[];
  size: number;
}

interface OpenRecord extends RecordHead {
  body: Buffer;
  filled: number;
}

/**
 * Cuts the host's stream into records: `KIND ARGS… SIZE`, newline, SIZE bytes. What comes before the line
 * `marker` is discarded: a login shell's profile may print text first. Each byte is copied once, so that a record
 * keeps nothing alive but itself, however small the pieces are in which it comes.
 */
export class RecordParser {
  readonly #marker: Buffer;
  readonly #onRecord: (record: SessionRecord) => void;
  readonly #admit: (head: RecordHead) => Buffer | void;
  /** The end of what came before the marker. */
  #before: Buffer | undefined = Buffer.alloc(0);
  #line = '';
  #open: OpenRecord | undefined;
  #bytes = 0;

  /** `admit` throws on what nobody waits for, before room is made for it; it may give the room itself, of that size. */
  constructor(
    marker: string,
    onRecord: (record: SessionRecord) => void,
    admit: (head: RecordHead) => Buffer | void = () => undefined,
  ) {
    this.#marker = Buffer.from(`\n${marker}\n`);
    this.#onRecord = onRecord;
    this.#admit = admit;
  }

  /** The marker was seen: the remote script has started. */
  get started(): boolean {
    return this.#before === undefined;
  }

  /** All bytes ever pushed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Text before the marker, its last 2 KiB. */
  get preamble(): string {
    return this.#before?.subarray(-2048).toString('utf8') ?? '';
  }

  /** A record whose bytes have begun and not ended, and what came of it. */
  get unfinished(): { kind: string; missing: number; tail: string } | undefined {
    if (!this.#open) return undefined;
    const { kind, size, body, filled } = this.#open;
    return { kind, missing: size - filled, tail: body.toString('latin1', Math.max(0, filled - 64), filled) };
  }

  /** Throws Error on a line that is no record, and what `admit` throws. */
  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    let rest = this.#before ? this.#start(this.#before, chunk) : chunk;
    while (rest.length > 0) rest = this.#open ? this.#fill(this.#open, rest) : this.#read(rest);
  }

  #start(before: Buffer, chunk: Buffer): Buffer {
    const all = Buffer.concat([before, chunk]);
    const at = all.indexOf(this.#marker);
    if (at === -1) {
      // A chatty profile is not kept whole; the marker may be cut in two.
      this.#before = Buffer.from(all.subarray(-(2048 + this.#marker.length)));
      return NOTHING;
    }
    this.#before = undefined;
    return all.subarray(at + this.#marker.length);
  }

  #read(chunk: Buffer): Buffer {
    const end = chunk.indexOf(NEWLINE);
    this.#line += chunk.toString('latin1', 0, end === -1 ? chunk.length : end);
    if (this.#line.length > LONGEST_LINE) throw new Error('a record line without an end');
    if (end === -1) return NOTHING;
    const head = parseLine(this.#line);
    this.#line = '';
    const body = this.#admit(head) ?? Buffer.allocUnsafeSlow(head.size);
    this.#open = { ...head, body, filled: 0 };
    return this.#fill(this.#open, chunk.subarray(end + 1));
  }

  #fill(open: OpenRecord, chunk: Buffer): Buffer {
    const copied = chunk.copy(open.body, open.filled);
    open.filled += copied;
    if (open.filled === open.size) {
      this.#open = undefined;
      this.#onRecord({ kind: open.kind, args: open.args, body: open.body });
    }
    return chunk.subarray(copied);
  }
}

const NOTHING = Buffer.alloc(0);

function parseLine(line: string): RecordHead {
  const words = line.split(' ');
  const kind = words.shift() ?? '';
  const size = words.pop() ?? '';
  if (!/^[a-zA-Z][\w-]*$/.test(kind) || !/^\d+$/.test(size))
    throw new Error(`not a record: ${JSON.stringify(line.slice(0, 200))}`);
  if (Number(size) > LARGEST_RECORD) throw new Error(`a record of ${size.slice(0, 20)} bytes`);
  return { kind, args: words, size: Number(size) };
}

/** Names of requests and scripts: they become file names on the host. */
const NAME = /^[a-z][a-z0-9-]{0,40}$/;

/** `part`: it is started by the `request` after it. */
export function requestFrame(kind: 'request' | 'part', op: string, body: Buffer): Buffer {
  return frame(`${kind} ${checked(op)} ${body.length}`, body);
}

/** `lock`: the script inherits the lock as fd 9, to hand it on to a transient unit. */
export function codeFrame(name: string, code: string, lock: boolean): Buffer {
  const bytes = Buffer.from(code);
  return frame(`code ${checked(name)} ${bytes.length}${lock ? ' lock' : ''}`, bytes);
}

function frame(line: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${line}\n`), body, Buffer.from('end\n')]);
}

function checked(name: string): string {
  if (!NAME.test(name)) throw new TypeError(`not a name for a request: ${JSON.stringify(name)}`);
  return name;
}
