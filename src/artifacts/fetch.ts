import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { McpkError } from '../core/errors.ts';
import { Struck, type Blow } from '../core/struck.ts';
import { checkSum, type Expected } from './checksums.ts';
import { expectStatus, get } from './http.ts';
import { proxyHint } from './proxy.ts';
import { hashing, writeAll, type SafeFolder } from './safe-folder.ts';

/** Downloads that are under way at once: more would only share the line, and each takes memory. */
export const AT_ONCE = 4;

export interface FetchOptions {
  signal: AbortSignal;
  /** Bytes so far; `total` is 0 where the server does not say it. */
  onBytes: (received: number, total: number) => void;
}

interface TextOptions {
  signal: AbortSignal;
  /** Bytes that it may have; as many as one of checksums unless it is said. */
  limit?: number;
  /** What can be done where there is no way to it: `name a file as …`. */
  instead?: string;
}

const INSTEAD = 'set artifacts.mirrors, or fill artifacts.directory by hand (docs/air-gapped.md)';
/** There is no way to the server now, and most likely none in a minute. */
const NO_WAY = ['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'ENETDOWN', 'EHOSTUNREACH'];

const TEXT_LIMIT = 1 << 20;
/** Several times the largest release: a mirror that sends without end fills no disk. */
const FILE_LIMIT = 2 ** 31;

/** A small text. Throws McpkError `fetch`, which says what helps. */
export async function fetchText(url: string, { signal, limit = TEXT_LIMIT, instead }: TextOptions): Promise<string> {
  const work = async (): Promise<string> => {
    const answer = await get(url, {}, signal);
    expectStatus(url, answer, [200], instead && `See whether the URL is right, or ${instead}.`);
    let text = '';
    answer.setEncoding('utf8');
    for await (const chunk of answer as AsyncIterable<string>) {
      text += chunk;
      if (text.length > limit) throw new Error(`more than ${limit / 2 ** 20} MiB`);
    }
    return text;
  };
  return wrapped(url, signal, work, instead);
}

export interface Target {
  folder: SafeFolder;
  name: string;
  expected: Expected;
}

/**
 * Fetches `url` to a file, which appears whole, with this sha256 and mode 0755, or not at all; gives what it is then. What
 * came before a cut line is kept in NAME.part, and the next call goes on from there.
 */
export async function fetchFile(url: string, target: Target, options: FetchOptions): Promise<Stats> {
  const { folder, name, expected } = target;
  const part = `${name}.part`;
  const file = await folder.openPart(part).catch((cause: unknown) => {
    throw cause instanceof McpkError ? cause : unfilled(folder, cause);
  });
  let kept = true;
  try {
    const receiving = (): Promise<Received> =>
      wrapped(url, options.signal, () => receive(url, { file, folder }, options));
    let received = await receiving();
    // The first half may stem from another version of the file: once more, from its start.
    if (received.resumed && received.sha256 !== expected.sha256) {
      await file.truncate();
      received = await receiving();
    }
    kept = received.sha256 === expected.sha256;
    checkSum(url, expected, received.sha256);
    await file.chmod(0o755);
    await folder.rename(part, name);
    return await file.stat();
  } catch (error) {
    if (!kept || (await file.stat()).size === 0) await folder.remove(part);
    throw error;
  } finally {
    await file.close();
  }
}

/** Of a folder that can't be written into, or not any more. */
export function unfilled({ path }: SafeFolder, cause: unknown): McpkError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const why = isFull ? ': no space is left there' : ` (${code}): what is fetched goes there`;
  const hint = isFull
    ? `Make room (df ${path}) and run the command again: it goes on where it stopped. Or name another folder as artifacts.directory.`
    : 'See whose it is, or name another folder as artifacts.directory.';
  const message = (things: string): string => `${things} cannot be written${why}`;
  return new Struck(
    'invalid',
    { cause: code, things: [path], reasons: [], noun: 'folder', message, hint: () => hint },
    cause,
  );
}

interface Received {
  /** Of all that is in the file now. */
  sha256: string;
  /** It went on from what was there. */
  resumed: boolean;
}

/** What arrives is hashed before it is written: it need not be read again. */
async function receive(
  url: string,
  { file, folder }: { file: FileHandle; folder: SafeFolder },
  { signal, onBytes }: FetchOptions,
): Promise<Received> {
  const have = (await file.stat()).size;
  const known = await hashing(file, signal);
  const answer = await get(url, have > 0 ? { range: `bytes=${have}-` } : {}, signal);
  if (answer.statusCode === 416 && have > 0) {
    // All of it is here already, or more than all: the checksum decides.
    answer.resume();
    return { sha256: known.digest('hex'), resumed: true };
  }
  expectStatus(url, answer, have > 0 ? [200, 206] : [200]);
  const resumed = answer.statusCode === 206;
  if (resumed && !(answer.headers['content-range'] ?? '').startsWith(`bytes ${have}-`))
    throw new Error('it answered with another range than asked for');
  const start = resumed ? have : 0;
  if (!resumed) await file.truncate();
  const hash = resumed ? known : createHash('sha256');
  const length = Number(answer.headers['content-length'] ?? 0);
  let received = start;
  await pipeline(
    answer,
    async (chunks: AsyncIterable<Buffer<ArrayBuffer>>) => {
      for await (const chunk of chunks) {
        if (received + chunk.length > FILE_LIMIT) throw new Error(`more than ${FILE_LIMIT / 2 ** 30} GiB`);
        hash.update(chunk);
        await writeAll(file, chunk, received).catch((cause: unknown) => {
          throw unfilled(folder, cause);
        });
        received += chunk.length;
        onBytes(received, length && start + length);
        free(chunk);
      }
    },
    { signal },
  );
  return { sha256: hash.digest('hex'), resumed };
}

/** V8 would find it only when dozens of MB lie there: it counts what is in its heap, where a chunk is a few bytes. */
function free({ buffer, length }: Buffer<ArrayBuffer>): void {
  if (buffer.byteLength === length) buffer.transfer(0);
}

async function wrapped<T>(url: string, signal: AbortSignal, work: () => Promise<T>, instead = INSTEAD): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof McpkError) throw cause;
    const reason = reasonOf(cause);
    const again = isWithoutWay(cause) ? '' : 'Run the command again: it goes on where it stopped. ';
    const blow: Blow = {
      cause: (cause as NodeJS.ErrnoException).code ?? reason,
      things: [url],
      reasons: [reason],
      ways: [instead],
      noun: 'file',
      message: (things, reasons) => `can't download ${things}: ${reasons}`,
      hint: (ways) => `${proxyHint(url, process.env)}${again}Without the Internet: ${ways}.`,
    };
    throw new Struck('fetch', blow, cause);
  }
}

/** Where a name has several addresses, and none of them answers, Node says nothing but what each of them did. */
function reasonOf(cause: unknown): string {
  const [first] = cause instanceof AggregateError ? (cause.errors as unknown[]) : [];
  const told = first ?? cause;
  return told instanceof Error ? told.message : String(told);
}

function isWithoutWay(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && NO_WAY.some((code) => code === cause.code);
}
