import type { SessionRecord } from './types.ts';

const NEWLINE = 0x0a;
const LONGEST_LINE = 8192;
/** More than any answer has, and less than the memory of the machine. */
const LARGEST_RECORD = 256 * 1024 * 1024;

/**
 * Cuts the host's stream into records: `KIND ARGS… SIZE`, newline, SIZE bytes. What comes before the line
 * `marker` is discarded: a login shell's profile may print text first.
 */
export class RecordParser {
  readonly #marker: Buffer;
  readonly #onRecord: (record: SessionRecord) => void;
  #started = false;
  #chunks: Buffer[] = [];
  #held = 0;
  #open: { kind: string; args: string[]; size: number } | undefined;
  #bytes = 0;

  constructor(marker: string, onRecord: (record: SessionRecord) => void) {
    this.#marker = Buffer.from(`\n${marker}\n`);
    this.#onRecord = onRecord;
  }

  /** The marker was seen: the remote script has started. */
  get started(): boolean {
    return this.#started;
  }

  /** All bytes ever pushed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Text before the marker, its last 2 KiB. */
  get preamble(): string {
    return this.#started ? '' : this.#all().subarray(-2048).toString('utf8');
  }

  /** A record whose bytes have begun and not ended, and what came of it. */
  get unfinished(): { kind: string; missing: number; tail: string } | undefined {
    if (!this.#open) return undefined;
    return {
      kind: this.#open.kind,
      missing: this.#open.size - this.#held,
      tail: this.#all().subarray(-64).toString('latin1'),
    };
  }

  /** Throws Error on a line that is no record. */
  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (!this.#started && !this.#start()) return;
    while (this.#step());
  }

  #start(): boolean {
    const all = this.#all();
    const at = all.indexOf(this.#marker);
    if (at === -1) {
      // A chatty profile is not kept whole; the marker may be cut in two.
      this.#keep(all.subarray(-(2048 + this.#marker.length)));
      return false;
    }
    this.#started = true;
    this.#keep(all.subarray(at + this.#marker.length));
    return true;
  }

  #step(): boolean {
    if (!this.#open) {
      const all = this.#all();
      const end = all.indexOf(NEWLINE);
      if (end === -1) {
        if (all.length > LONGEST_LINE) throw new Error('a record line without an end');
        return false;
      }
      this.#open = parseLine(all.toString('utf8', 0, end));
      this.#keep(all.subarray(end + 1));
    }
    const { kind, args, size } = this.#open;
    if (this.#held < size) return false;
    const all = this.#all();
    this.#open = undefined;
    this.#keep(all.subarray(size));
    this.#onRecord({ kind, args, body: all.subarray(0, size) });
    return true;
  }

  #all(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#held = rest.length;
  }
}

function parseLine(line: string): { kind: string; args: string[]; size: number } {
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
