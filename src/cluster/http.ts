import { parseForeignJson } from '../core/json.ts';
import type { Answer, Ask } from './gate.ts';

/**
 * One HTTP request from a host to a service on itself, by socat, which every host has: a gate that polls several times
 * a second must not start kubectl each time.
 */
export interface LocalRequest {
  host: string;
  port: number;
  path: string;
  method?: 'GET' | 'POST' | 'DELETE';
  body?: string;
  /** Seconds without a byte after which there is no answer. */
  patience?: number;
  /** Seconds for all of it: socat itself waits for ever for one that takes the connection and begins no TLS. */
  limit?: number;
  tls?: {
    authority: string;
    /** DNS name that the server's certificate must have. */
    name: string;
    cert?: string;
    key?: string;
  };
}

export function localRequest(request: LocalRequest): Ask {
  const { host, port, path, method = 'GET', body = '', patience = 5, limit, tls } = request;
  const seconds = String(patience);
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${tls?.name ?? 'localhost'}`, 'Accept: application/json'];
  const length =
    body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${String(Buffer.byteLength(body))}`];
  return {
    host,
    argv: [
      ...(limit === undefined ? [] : ['timeout', String(limit)]),
      ...['socat', '-t', seconds, '-T', seconds, '-', address(port, tls)],
    ],
    stdin: `${[...head, ...length].join('\r\n')}\r\n\r\n${body}`,
    http: true,
  };
}

/** `shut-none`: the end of our request must not look like a client that went away, on which Go cancels the request. */
function address(port: number, tls: LocalRequest['tls']): string {
  if (!tls) return `TCP:127.0.0.1:${String(port)},shut-none`;
  const client = tls.cert !== undefined && tls.key !== undefined ? `,cert=${tls.cert},key=${tls.key}` : '';
  return `OPENSSL:127.0.0.1:${String(port)},cafile=${tls.authority},commonname=${tls.name}${client},shut-none`;
}

export interface HttpAnswer {
  status: number;
  /** Lower-case names. */
  headers: ReadonlyMap<string, string>;
  body: string;
}

/** Undefined when nothing that looks like HTTP came back. */
export function parseHttp(answer: Answer | undefined): HttpAnswer | undefined {
  const text = answer?.stdout ?? '';
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
  if (status === undefined) return undefined;
  const split = /\r?\n\r?\n/.exec(text);
  const head = text.slice(0, Math.min(split?.index ?? text.length, LONGEST_HEAD));
  const headers = head
    .split(/\r?\n/)
    .slice(1)
    .map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
  return {
    status: Number(status),
    headers: new Map(headers),
    body: split ? text.slice(split.index + split[0].length) : '',
  };
}

/** As Go's own servers take at most. */
const LONGEST_HEAD = 64 * 1024;

/** What was seen, for a human, in one line. */
export function seen(answer: Answer | undefined): string {
  const http = parseHttp(answer);
  if (http) return `HTTP ${String(http.status)} ${oneLine(http.body)}`.trim();
  // It warns about CRLs at each connection, and that it warned is no answer.
  const lines = (answer?.stderr ?? '')
    .slice(-LONGEST_HEAD)
    .trim()
    .split('\n')
    .filter((line) => !line.includes('does not check CRLs'));
  // socat puts `2026/11/22 11:40:01 socat[123] E ` before what matters.
  const last = (lines.at(-1) ?? '').replace(/^\S+ \S+ socat\[\d+\] \w /, '');
  return last === '' ? 'no answer' : oneLine(last);
}

/** JSON of a 200; undefined otherwise. Throws Error on one that is too large: that is no server that does not answer. */
export function parseJson(answer: Answer | undefined): unknown {
  const http = parseHttp(answer);
  if (http?.status !== 200) return undefined;
  try {
    return parseForeignJson(http.body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const SHOWN = 300;

function oneLine(text: string): string {
  // Cut first: what is looked for in a text of any length takes any time.
  const start = text.slice(0, 4 * SHOWN).trim();
  const line = start
    .split('\n')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' · ');
  return line.length > SHOWN || text.length > 4 * SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}
