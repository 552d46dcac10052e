import { once } from 'node:events';
import type http from 'node:http';
import { McpkError } from '../core/errors.ts';

const SILENCE = 30_000; // ms without a byte
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
  const request = get(url, { headers, signal, agent: new Agent({ proxyEnv: process.env }) });
  request.setTimeout(SILENCE, () => request.destroy(new Error(`no data for ${SILENCE / 1000} s`)));
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  return answer;
}

/** Throws `stage` for another one. */
export function expectStatus(url: string, answer: http.IncomingMessage, wanted: readonly number[]): void {
  if (wanted.includes(answer.statusCode ?? 0)) return;
  answer.destroy();
  throw new McpkError('stage', `${url} answers ${answer.statusCode} ${answer.statusMessage ?? ''}`.trimEnd(), {
    hint: 'see whether this version was released for this processor, and whether artifacts.mirrors is right',
  });
}
