/**
 * A client as strict as they come, run on the operator's side: 20 requests a second at the kubeconfig's server,
 * reads and writes in turn, half of them on a new connection each and half on one that is kept alive, 1 s timeout,
 * no retry; beside them one watch. Prints a line `ready`, ends when standard input does, and then prints one JSON
 * object. A connection that is closed cleanly between two requests is no failure.
 *
 * node load.ts KUBECONFIG
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { load } from 'js-yaml';

interface Kubeconfig {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
}

interface Outcome {
  requests: number;
  failures: string[];
  watchEvents: number;
  watchReopened: number;
  slowestMs: number;
}

const TICK_MS = 50;
const PATH = '/api/v1/namespaces/default/configmaps';
const NAME = 'mcpk-load';

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
const kept = new Agent({ ...tls, keepAlive: true, maxSockets: 1 });
const outcome: Outcome = { requests: 0, failures: [], watchEvents: 0, watchReopened: 0, slowestMs: 0 };
let stopping = false;

function send(method: string, path: string, body: unknown, agent: Agent | false): Promise<number> {
  return new Promise((resolve, reject) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const outgoing = request(
      { ...tls, method, path, agent, headers: { 'content-type': type }, timeout: 1000 },
      (response) => {
        response.resume();
        response.on('end', () => {
          resolve(response.statusCode ?? 0);
        });
        response.on('error', reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 1 s')));
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function one(n: number): Promise<void> {
  const write = n % 4 < 2;
  const agent = n % 2 === 0 ? kept : false;
  const started = performance.now();
  const what = `${write ? 'PATCH' : 'GET'} ${agent ? 'kept' : 'new'}`;
  outcome.requests += 1;
  try {
    const status = write
      ? await send('PATCH', `${PATH}/${NAME}`, { data: { n: String(n) } }, agent)
      : await send('GET', `${PATH}/${NAME}`, undefined, agent);
    if (status !== 200) outcome.failures.push(`${new Date().toISOString()} ${what}: HTTP ${String(status)}`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    outcome.failures.push(`${new Date().toISOString()} ${what}: ${code ?? ''} ${message}`);
  }
  outcome.slowestMs = Math.max(outcome.slowestMs, Math.round(performance.now() - started));
}

/** Opened again after a clean end; an end that is a reset or an error is a failure. */
function watch(): void {
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
    response.on('error', (error) => {
      if (!stopping) outcome.failures.push(`${new Date().toISOString()} watch: ${error.message}`);
    });
  });
  outgoing.on('error', (error) => {
    if (!stopping) outcome.failures.push(`${new Date().toISOString()} watch: ${error.message}`);
  });
  outgoing.end();
}

const made = await send(
  'POST',
  PATH,
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME }, data: { n: '0' } },
  false,
);
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
