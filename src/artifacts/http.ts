import { once } from 'node:events';
import type http from 'node:http';
import { McpkError } from '../core/errors.ts';
import { proxyEnvironment } from './proxy.ts';

const SILENCE = 30_000; // ms without a byte
/** Bytes in that time: a mirror that drips would hold a run as long as it likes. */
const LEAST = 30 * 1024;
const REDIRECTS = 5;

/** Follows redirects (release pages point to a store); never from https to http. */
export async function get(
  url: string,
  headers: http.OutgoingHttpHeaders,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
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
  const agent = new Agent({ proxyEnv: proxyEnvironment(url.href, process.env) });
  const request = get(url, { headers, signal, agent, timeout: SILENCE });
  // What it says when nobody listens any more.
  request.on('error', () => undefined);
  const slow = endWhenSlow(request);
  // While a proxy opens the way, a request that is ended says nothing of it.
  const answered = once(request, 'response', { signal }) as Promise<[http.IncomingMessage]>;
  const [answer] = await Promise.race([answered, slow]);
  return answer;
}

/** Rejects where it ends the request before there is an answer, and resolves never. */
function endWhenSlow(request: http.ClientRequest): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  let end = (error: Error): void => {
    clearInterval(timer);
    request.destroy(error);
    reject(error);
  };
  // A reader is told why only by the answer itself.
  request.once('response', (answer) => (end = (error) => void answer.destroy(error)));
  request.setTimeout(SILENCE, () => end(new Error(`no data for ${SILENCE / 1000} s`)));
  let before = 0;
  const timer = setInterval(() => {
    const now = request.socket?.bytesRead ?? 0;
    if (now - before < LEAST) end(new Error('it sends less than 1 KiB a second'));
    before = now;
  }, SILENCE);
  timer.unref();
  request.once('close', () => clearInterval(timer));
  return promise;
}

/** Throws `fetch` for another one. */
export function expectStatus(
  url: string,
  answer: http.IncomingMessage,
  wanted: readonly number[],
  hint = 'see whether this version was released for this processor, and whether artifacts.mirrors is right',
): void {
  if (wanted.includes(answer.statusCode ?? 0)) return;
  answer.destroy();
  throw new McpkError('fetch', `${url} answers ${answer.statusCode} ${answer.statusMessage ?? ''}`.trimEnd(), {
    hint,
  });
}
