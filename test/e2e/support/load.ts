/**
 * A client as strict as they come, run on the operator's side: 20 requests a second at the kubeconfig's server,
 * reads and writes in turn, half of them on a new connection each and half on one that is kept alive (HTTP/2, as
 * every Kubernetes client: a server that stops says so with GOAWAY), no retry; beside them one watch.
 * A request without an answer has failed after 5 s, as the lease of a leader, whose client gives up first of all in a
 * cluster (half the renew deadline of 10 s: cmd/kube-controller-manager/app of Kubernetes). Less would count the moments
 * in which five hosts on two cores are busy; each such answer is counted as `slow`.
 * Prints a line `ready`, ends when standard input does, and then prints one JSON object. A connection that is closed
 * cleanly between two requests is no failure.
 *
 * Nor is one answer of an API server that stops: between its closing the door and its GOAWAY lies a moment in which a
 * request on a kept connection is turned away unread, with 503, Retry-After and "apiserver is shutting down"
 * (k8s.io/apiserver, filters/waitgroup.go). Every Kubernetes client sends it again, and so does this one, at once and
 * on a new connection; `turnedAway` counts them, for the caller to bound.
 *
 * node load.ts KUBECONFIG
 */
import { readFileSync } from 'node:fs';
import { connect, constants, type ClientHttp2Session } from 'node:http2';
import { request } from 'node:https';
import { load } from 'js-yaml';

interface Kubeconfig {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
}

interface Outcome {
  requests: number;
  failures: string[];
  turnedAway: number;
  watchEvents: number;
  watchReopened: number;
  slowestMs: number;
  /** Answers that took longer than a second. */
  slow: number;
}

const TICK_MS = 50;
const LONGEST_MS = 5_000;
const SLOW_MS = 1_000;
const LATE = `no answer within ${String(LONGEST_MS / 1000)} s`;
const PATH = '/api/v1/namespaces/default/configmaps';
const NAME = 'mcpk-load';
const SHUTTING_DOWN = 'apiserver is shutting down';
const MERGE_PATCH = 'application/merge-patch+json';

const config = load(readFileSync(process.argv[2] ?? '', 'utf8')) as Kubeconfig;
const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
const { 'client-certificate-data': cert, 'client-key-data': key } = config.users[0].user;
const decode = (text: string): string => Buffer.from(text, 'base64').toString();
const url = new URL(server);
const tls = {
  host: url.hostname,
  port: Number(url.port === '' ? 443 : url.port),
  ca: decode(ca),
  cert: decode(cert),
  key: decode(key),
};
const outcome: Outcome = {
  requests: 0,
  failures: [],
  turnedAway: 0,
  watchEvents: 0,
  watchReopened: 0,
  slowestMs: 0,
  slow: 0,
};
let stopping = false;

let kept: ClientHttp2Session | undefined;

/** The kept connection; a new one when the server said goodbye to the last. */
function keptSession(): ClientHttp2Session {
  if (kept && !kept.closed && !kept.destroyed) return kept;
  const session = connect(server, { ca: tls.ca, cert: tls.cert, key: tls.key });
  session.on('error', (error) => {
    if (!stopping) fail('kept connection', error);
  });
  session.on('goaway', () => {
    if (kept === session) kept = undefined;
  });
  session.on('close', () => {
    if (kept === session) kept = undefined;
  });
  kept = session;
  return session;
}

/**
 * On the kept connection; resolves with the status. A request that was still here when the server's GOAWAY came was
 * never sent (RFC 9113, 6.8): it belongs to the next connection. One that was sent is not sent again.
 */
function sendKept(method: string, path: string, body?: unknown): Promise<number> {
  return new Promise((resolve, reject) => {
    const session = keptSession();
    const stream = session.request({ ':method': method, ':path': path, 'content-type': MERGE_PATCH });
    let status = 0;
    let retryAfter: string | undefined;
    let text = '';
    stream.setTimeout(LONGEST_MS, () => stream.destroy(new Error(LATE)));
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
      retryAfter = headers['retry-after'];
    });
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    let told = false;
    stream.on('end', () => {
      told = true;
      if (status !== 503 || retryAfter === undefined || !text.includes(SHUTTING_DOWN)) {
        resolve(status);
        return;
      }
      outcome.turnedAway += 1;
      if (kept === session) kept = undefined;
      sendKept(method, path, body).then(resolve, reject);
    });
    // Without this a connection that dies quietly would leave a request that nobody ever answers.
    stream.on('close', () => {
      if (!told) reject(new Error('the connection was closed without an answer'));
    });
    stream.on('error', (error: Error) => {
      told = true;
      const unsent = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM && session !== kept;
      if (unsent) sendKept(method, path, body).then(resolve, reject);
      else reject(error);
    });
    stream.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** On a connection of its own; resolves with the status. */
function sendNew(method: string, path: string, body?: unknown): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': method === 'PATCH' ? MERGE_PATCH : 'application/json' };
    const outgoing = request({ ...tls, method, path, agent: false, headers, timeout: LONGEST_MS }, (response) => {
      response.resume();
      response.on('end', () => {
        resolve(response.statusCode ?? 0);
      });
      response.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(LATE)));
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function fail(what: string, error: unknown): void {
  const { code, message } = error as NodeJS.ErrnoException;
  outcome.failures.push(`${new Date().toISOString()} ${what}: ${code ?? ''} ${message}`);
}

async function one(n: number): Promise<void> {
  const write = n % 4 < 2;
  const send = n % 2 === 0 ? sendKept : sendNew;
  const started = performance.now();
  const what = `${write ? 'PATCH' : 'GET'} ${send === sendKept ? 'kept' : 'new'}`;
  outcome.requests += 1;
  try {
    const path = `${PATH}/${NAME}`;
    const status = await (write ? send('PATCH', path, { data: { n: String(n) } }) : send('GET', path));
    if (status !== 200) outcome.failures.push(`${new Date().toISOString()} ${what}: HTTP ${String(status)}`);
  } catch (error) {
    fail(what, error);
  }
  const took = Math.round(performance.now() - started);
  outcome.slowestMs = Math.max(outcome.slowestMs, took);
  if (took > SLOW_MS) outcome.slow += 1;
}

/** Opened again after a clean end; an end that is a reset or an error is a failure. */
function watch(): void {
  const lost = (error: Error): void => {
    if (!stopping) fail('watch', error);
  };
  const path = `${PATH}?watch=1&fieldSelector=metadata.name%3D${NAME}`;
  const outgoing = request({ ...tls, path, agent: false }, (response) => {
    if (response.statusCode !== 200) outcome.failures.push(`watch: HTTP ${String(response.statusCode)}`);
    response.on('data', (chunk: Buffer) => {
      outcome.watchEvents += chunk.toString().split('\n').length - 1;
    });
    response.on('end', () => {
      if (stopping) return;
      outcome.watchReopened += 1;
      watch();
    });
    response.on('error', lost);
  });
  outgoing.on('error', lost);
  outgoing.end();
}

const made = await sendNew('POST', PATH, {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: NAME },
  data: { n: '0' },
});
if (made !== 201 && made !== 409) throw new Error(`can't make the ConfigMap: HTTP ${String(made)}`);
watch();
process.stdout.write('ready\n');
let n = 0;
const running = new Set<Promise<void>>();
const ticker = setInterval(() => {
  const each = one(n).finally(() => running.delete(each));
  running.add(each);
  n += 1;
}, TICK_MS);
process.stdin.resume();
process.stdin.on('end', () => {
  stopping = true;
  clearInterval(ticker);
  void Promise.all(running).then(() => {
    process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
  });
});
