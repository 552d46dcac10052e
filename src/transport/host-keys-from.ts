import { statSync } from 'node:fs';
import { McpkError } from '../core/errors.ts';
import { readFileAtMost, UnreadableFile } from '../core/read-file.ts';
import { FailedProgram, outputOf } from '../core/run-program.ts';
import { isWhole, parseKnownHosts } from './known-hosts.ts';
import type { GivenKeys } from './known-hosts.ts';

/** The keys of all hosts of any company. */
const MOST_BYTES = 16 * 2 ** 20;
const PROGRAM_MS = 60_000;
/** A program asks a DHCP server or the hosts' boards: not at each try of each host. */
const APART_MS = 5000;
const MOST_LINES = 20;

/** Reads all of it. */
type Read = (signal: AbortSignal) => Promise<string> | string;

/**
 * Host keys that the operator vouches for (`--host-keys-from`): lines of known_hosts, in a file, or printed by a
 * program. Both are read again while hosts are waited for, as whoever installs them may know their keys only then.
 */
export class HostKeysFrom {
  readonly #from: string;
  readonly #read: Read | undefined;
  readonly #apartMs: number;
  #given: GivenKeys;
  #readAt = performance.now();
  #reading: Promise<void> | undefined;

  private constructor(from: string, { given, read, apartMs }: { given: GivenKeys; read?: Read; apartMs: number }) {
    this.#from = from;
    this.#given = given;
    this.#read = read;
    this.#apartMs = apartMs;
  }

  /**
   * `from`: a file, or behind a `!` a program and its words, with blanks between; no shell sees them.
   *
   * @throws McpkError `usage` for what can't be read, and for lines that are none of known_hosts
   */
  static async open(from: string, signal: AbortSignal, apartMs = APART_MS): Promise<HostKeysFrom> {
    const { read, once } = readerOf(from);
    const given = givenIn(from, await read(signal));
    return new HostKeysFrom(from, { given, apartMs, ...(once ? {} : { read }) });
  }

  /** As they were when they were read last. */
  get given(): GivenKeys {
    return this.#given;
  }

  /** Reads them anew, unless that was just done. Throws as {@link open}; then they stay as they were. */
  async readAgain(signal: AbortSignal): Promise<void> {
    const read = this.#read;
    if (!read || performance.now() - this.#readAt < this.#apartMs) return;
    this.#reading ??= this.#readOnce(read, signal);
    await this.#reading;
  }

  async #readOnce(read: Read, signal: AbortSignal): Promise<void> {
    try {
      this.#given = givenIn(this.#from, await read(signal));
    } finally {
      this.#readAt = performance.now();
      this.#reading = undefined;
    }
  }
}

/** `once`: it is a pipe. */
function readerOf(from: string): { read: Read; once: boolean } {
  if (!from.startsWith('!')) return { read: () => textOf(from), once: !isFile(from) };
  const [program = '', ...words] = from.slice(1).split(/\s+/).filter(Boolean);
  if (program === '' || /["'`\\$|;<>]/.test(from))
    throw unusable(from, program === '' ? 'names no program behind the !' : 'is run without a shell', [], PROGRAM_HINT);
  return { read: (signal) => printedBy([program, ...words], from, signal), once: false };
}

const PROGRAM_HINT =
  "Behind the ! stand a program and its words, as they are: '!./host-keys.sh --all'. What wants quotes, variables or a pipe goes into a script.";

function textOf(file: string): string {
  try {
    return readFileAtMost(file, MOST_BYTES).toString('utf8');
  } catch (cause) {
    if (!(cause instanceof UnreadableFile)) throw cause;
    throw unusable(
      file,
      cause.message,
      [],
      "Name a file of host keys, or a program that prints them: '!./host-keys.sh'.",
    );
  }
}

async function printedBy(argv: readonly [string, ...string[]], from: string, signal: AbortSignal): Promise<string> {
  try {
    return await outputOf(argv, { signal, time: PROGRAM_MS, output: MOST_BYTES });
  } catch (cause) {
    if (!(cause instanceof FailedProgram)) throw cause;
    throw unusable(
      from,
      cause.message,
      cause.said,
      'Try it by hand: it prints lines as known_hosts has them, and ends with 0.',
    );
  }
}

/** Not a word of a line that is none is repeated: the file may be a private one of another kind. */
function givenIn(from: string, text: string): GivenKeys {
  const { entries, ignored } = parseKnownHosts(text, from);
  const cut = entries.filter(({ key }) => !isWhole(key)).map(({ line }) => ({ line, why: 'the key is not whole' }));
  const bad = [...ignored, ...cut].toSorted((a, b) => a.line - b.line);
  const [first] = bad;
  if (first === undefined) return { from, keys: entries };
  throw unusable(
    from,
    `line ${String(first.line)} is no host key`,
    bad.slice(0, MOST_LINES).map(({ line, why }) => `${from}:${String(line)}: ${why}`),
    'A line is HOST TYPE KEY, as in known_hosts: HOST is the address, or [ADDRESS]:PORT where the port is not 22, or the name in the inventory.',
  );
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
}

function unusable(from: string, why: string, details: readonly string[], hint: string): McpkError {
  return new McpkError('usage', `--host-keys-from ${from}: ${why}`, { details: [...details], hint });
}
