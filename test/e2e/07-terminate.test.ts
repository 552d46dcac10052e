import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exec } from '../../lab/lab.ts';
import { onOperatorSide, operatorEnvironment } from '../../lab/operator.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { eventually, kubectl, mcpkJson, overlay } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';
import { underLoad } from './support/under-load.ts';

startFrom('ready', { leaves: 'ready' });

const TERMINATE = 'endpoint: {tls: terminate}\n';
const POD = 'access';
const MASTERS = ['10.77.0.11', '10.77.0.12', '10.77.0.13'];

/** GET with these headers and, when told so, the administrator's certificate; status and body. */
const REQUEST = `
const { readFileSync } = require('node:fs');
const text = readFileSync(process.env.KUBECONFIG, 'utf8');
const of = (name) => Buffer.from(new RegExp(name + '-data: (\\\\S+)').exec(text)[1], 'base64');
const [path, headers, certificate] = JSON.parse(process.argv[1]);
const identity = certificate ? { cert: of('client-certificate'), key: of('client-key') } : {};
require('node:https').get({ host: '10.77.0.100', port: 443, path, headers, ca: of('certificate-authority'), ...identity }, (r) => {
  let body = '';
  r.on('data', (d) => (body += d));
  r.on('end', () => console.log(JSON.stringify({ status: r.statusCode, body })));
});`;

async function get(
  path: string,
  headers: Record<string, string>,
  certificate: boolean,
): Promise<{ status: number; body: string }> {
  const said = await exec([process.execPath, '-e', REQUEST, JSON.stringify([path, headers, certificate])]);
  expect(said.code, said.stderr).toBe(0);
  return JSON.parse(said.stdout) as { status: number; body: string };
}

/** First line that a long-running kubectl prints; it is ended then. */
async function firstLine(...args: string[]): Promise<{ line: string; stop: () => Promise<void> }> {
  const [command = '', ...words] = onOperatorSide(['kubectl', ...args]);
  const child = spawn(command, words, {
    env: { ...process.env, ...operatorEnvironment() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const stop = async (): Promise<void> => {
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    await closed;
  };
  return { line: chunk.toString(), stop };
}

/** Logs that this API server streams to somebody right now. */
async function followedLogs(address: string): Promise<number> {
  const metrics = await kubectl('--server', `https://${address}:6443`, 'get', '--raw', '/metrics');
  return Number(/^apiserver_longrunning_requests\{.*subresource="log".*\} (\d+)$/m.exec(metrics)?.[1] ?? '0');
}

async function accessWorks(): Promise<void> {
  // A client certificate, and what the API makes of it.
  expect(await kubectl('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.groups}')).toContain('mcpk:cluster-admins');
  expect(await kubectl('get', 'nodes', '--no-headers')).toContain('m1');
  // A bearer token, alone.
  const token = (await kubectl('create', 'token', 'default')).trim();
  const authorization = { authorization: `Bearer ${token}` };
  expect((await get('/api', authorization, false)).status).toBe(200);
  const denied = await get('/api/v1/secrets', authorization, false);
  expect(denied.status).toBe(403);
  expect(denied.body).toContain('system:serviceaccount:default:default');
  // Streams.
  expect(await kubectl('exec', POD, '--', 'echo', 'hello from the pod')).toContain('hello from the pod');
  const logs = await firstLine('logs', '-f', POD);
  expect(logs.line).toContain('serving');
  await logs.stop();
  await eventually('no API server answers who has left', 5, async () => {
    const answering = await Promise.all(MASTERS.map(followedLogs));
    return answering.every((count) => count === 0) ? true : undefined;
  });
  const forward = await firstLine('port-forward', `pod/${POD}`, '18080:8080');
  const page = await exec([
    'sh',
    '-c',
    `exec ${process.execPath} -e "fetch('http://127.0.0.1:18080/').then(async (r) => console.log(r.status))"`,
  ]);
  expect(page.stdout.trim()).toMatch(/200|404/);
  await forward.stop();
  // Forged identities: with nothing, with a token, with a certificate that is nobody's front proxy.
  const forged = { 'x-remote-user': 'root', 'x-remote-group': 'system:masters', 'X-Remote-Extra-Scopes': 'all' };
  expect((await get('/api/v1/secrets', forged, false)).status).toBe(401);
  expect((await get('/api/v1/secrets', { ...forged, ...authorization }, false)).status).toBe(403);
  const whoami = await get('/apis/authentication.k8s.io/v1/selfsubjectreviews', forged, true);
  expect(whoami.body).not.toContain('"root"');
  // Without credentials only the health paths.
  expect((await get('/readyz', {}, false)).status).toBe(200);
  expect((await get('/api/v1/nodes', {}, false)).status).toBe(401);
}

describe('access through the VIP', () => {
  beforeAll(async () => {
    await kubectl(
      'run',
      POD,
      '--image=docker.io/library/busybox:1',
      '--restart=Never',
      '--command',
      '--',
      'sh',
      '-c',
      'echo serving; exec httpd -f -p 8080 -h /',
    );
    await eventually('the pod runs', 60, async () =>
      (await kubectl('get', 'pod', POD, '-o', 'jsonpath={.status.phase}')) === 'Running' ? true : undefined,
    );
  });
  afterAll(async () => {
    await kubectl('delete', 'pod', POD, '--now', '--ignore-not-found');
  });

  it('works with TLS passed through', accessWorks);

  it('works with TLS ended at HAProxy, and the switch is found, made and stays made', async () => {
    const terminate = await overlay(TERMINATE);
    const plan = await mcpkJson<Plan>(['plan'], 2, [terminate]);
    expect(plan.stages.find((stage) => stage.name === 'haproxy')?.batches.length).toBeGreaterThan(0);
    await mcpkJson<RunResult>(['apply', '--yes'], 0, [terminate]);
    expect((await mcpkJson<Plan>(['plan'], 0, [terminate])).summary.changes).toBe(0);
    await accessWorks();
  });

  it('a changed flag of the API server rolls without a failed request there too', async () => {
    const changed = await overlay(`${TERMINATE}apiServer: {audit: {maxAge: 32}}\n`);
    const outcome = await underLoad(() => mcpkJson<RunResult>(['apply', '--yes'], 0, [changed]));
    expect(outcome.failures).toEqual([]);
    expect(outcome.turnedAway, 'HAProxy gives no request to a server that stops').toBe(0);
    expect(outcome.requests).toBeGreaterThan(100);
  });

  it('and back to passed through', async () => {
    await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
    await accessWorks();
  });
});
