import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, rename, rm, stat } from 'node:fs/promises';
import type http from 'node:http';
import { basename } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { McpkError } from '../core/errors.ts';
import { checkSum, hashFile } from './checksums.ts';

/** Bytes of one file so far; `total` is 0 while unknown. */
export interface Progress {
  file: string;
  received: number;
  total: number;
}

export interface FetchOptions {
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

const SILENCE = 30_000; // ms without a byte
const REDIRECTS = 5;
const TEXT_LIMIT = 1 << 20;
/** Several times the largest release: a mirror that sends without end fills no disk. */
const FILE_LIMIT = 2 ** 31;

/** A small text. Throws McpkError `stage`. */
export async function fetchText(url: string, { signal }: FetchOptions): Promise<string> {
  return wrapped(url, signal, async () => {
    const answer = await get(url, {}, signal);
    expectStatus(url, answer, [200]);
    let text = '';
    answer.setEncoding('utf8');
    for await (const chunk of answer as AsyncIterable<string>) {
      text += chunk;
      if (text.length > TEXT_LIMIT) throw new Error('more than 1 MiB where a checksum should be');
    }
    return text;
  });
}

/**
 * Fetches `url` to `target`, which appears whole, with this sha256 and mode 0755, or not at all. What came
 * before a cut line is kept in TARGET.part, and the next call goes on from there.
 */
export async function fetchFile(url: string, target: string, sha256: string, options: FetchOptions): Promise<void> {
  const part = `${target}.part`;
  const resumed = await wrapped(url, options.signal, () => receive(url, part, options));
  const actual = await hashFile(part, options.signal);
  if (actual !== sha256) {
    await rm(part, { force: true });
    // The first half may stem from another version of the file: once more, from its start.
    if (resumed) return fetchFile(url, target, sha256, options);
    checkSum(url, sha256, actual, 'nothing was kept; if it happens again the mirror serves a damaged file');
  }
  await chmod(part, 0o755);
  await rename(part, target);
}

/** Gives true when it went on from what was there. */
async function receive(url: string, part: string, { signal, onProgress }: FetchOptions): Promise<boolean> {
  const have = (await stat(part).catch(() => undefined))?.size ?? 0;
  const answer = await get(url, have > 0 ? { range: `bytes=${have}-` } : {}, signal);
  if (answer.statusCode === 416 && have > 0) {
    // All of it is here already, or more than all: the checksum decides.
    answer.resume();
    return true;
  }
  expectStatus(url, answer, [200, 206]);
  const resumed = answer.statusCode === 206;
  if (resumed && !(answer.headers['content-range'] ?? '').startsWith(`bytes ${have}-`))
    throw new Error('it answered with another range than asked for');
  const start = resumed ? have : 0;
  const total = start + Number(answer.headers['content-length'] ?? 0);
  let received = start;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      if (received > FILE_LIMIT) return void done(new Error(`more than ${FILE_LIMIT / 2 ** 30} GiB`));
      onProgress({ file: basename(part, '.part'), received, total });
      done(null, chunk);
    },
  });
  await pipeline(answer, meter, createWriteStream(part, { flags: resumed ? 'a' : 'w' }), { signal });
  return resumed;
}

/** Follows redirects (release pages point to a store); never from https to http. */
async function get(url: string, headers: http.OutgoingHttpHeaders, signal: AbortSignal): Promise<http.IncomingMessage> {
  let at = new URL(url);
  for (let hop = 0; hop <= REDIRECTS; hop++) {
    const answer = await ask(at, headers, signal);
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0) || location === undefined) return answer;
    answer.resume();
    const next = new URL(location, at);
    if (at.protocol === 'https:' && next.protocol !== 'https:')
      throw new Error(`it redirects from https to ${next.origin}`);
    at = next;
  }
  throw new Error(`more than ${REDIRECTS} redirects`);
}

async function ask(url: URL, headers: http.OutgoingHttpHeaders, signal: AbortSignal): Promise<http.IncomingMessage> {
  // Loaded here: TLS takes Node 18 ms, and most runs fetch nothing.
  const { get, Agent } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  // HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the caller; a Node without this option goes straight.
  const request = get(url, { headers, signal, agent: new Agent({ proxyEnv: process.env }) });
  request.setTimeout(SILENCE, () => request.destroy(new Error(`no data for ${SILENCE / 1000} s`)));
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  return answer;
}

function expectStatus(url: string, answer: http.IncomingMessage, wanted: readonly number[]): void {
  if (wanted.includes(answer.statusCode ?? 0)) return;
  answer.destroy();
  throw new McpkError('stage', `${url} answers ${answer.statusCode} ${answer.statusMessage ?? ''}`.trimEnd(), {
    hint: 'see whether this version was released for this processor, and whether artifacts.mirrors is right',
  });
}

async function wrapped<T>(url: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof McpkError) throw cause;
    throw new McpkError('stage', `can't download ${url}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      hint: 'run the command again, it goes on where it stopped; without a way out set artifacts.mirrors or fill artifacts.directory by hand',
    });
  }
}
