import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ROOT } from '../../../scripts/process.ts';
import { screenAfter } from '../../../scripts/screen.ts';
import { ARCHITECTURES } from '../../../src/core/architectures.ts';
import { quote } from '../../../src/core/quote.ts';
import { program, sha256 } from '../../artifacts/upstream.ts';
import { impossible } from './real-sshd.ts';
import { smallCluster } from './small-cluster.ts';

const { m1, inventory } = await smallCluster();

/** Serves one program, its second half somewhat later. */
const server = createServer((_request, response) => {
  const bytes = program('kubelet');
  response.writeHead(200, { 'content-length': bytes.length });
  response.write(bytes.subarray(0, bytes.length / 2));
  void delay(400).then(() => response.end(bytes.subarray(bytes.length / 2)));
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const keys = ARCHITECTURES.map((arch) => `kubernetes/1.37.1/linux-${arch}/kubelet`);
  const sums = keys.map((key) => `${key}: ${sha256(program('kubelet'))}`).join(', ');
  const fetched = `{ directory: ./artifacts, mirrors: { kubernetes: 'http://127.0.0.1:${port}' }, sha256: { ${sums} } }`;
  const text = readFileSync(inventory, 'utf8');
  writeFileSync(inventory, text.replace('{ directory: ./artifacts, download: false }', fetched));
});
afterAll(() => void server.close());

/** All binaries are there but the kubelet. */
beforeEach(() => {
  for (const arch of ARCHITECTURES) {
    const sums = join(m1.folder, `artifacts/kubernetes/1.37.1/linux-${arch}/SHA256SUMS`);
    writeFileSync(sums, readFileSync(sums, 'utf8').replace(/^.* {2}kubelet\n/m, ''));
  }
});

const PLAN = ['test/transport/sshd/greeting-mcpk.ts', 'plan', '-i', inventory];
const FETCHED = /^kubernetes\/1\.37\.1\/linux-\w+\/kubelet: 8\.0 kB\n/m;

async function said(program: string, words: readonly string[]) {
  const child = spawn(program, words, { cwd: ROOT, env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8' } });
  child.stdin.end();
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (part: string) => (text[stream] += part));
  await once(child, 'close');
  return text;
}

describe.skipIf(impossible !== undefined || !existsSync('/usr/bin/script'))('a plan that fetches what lacks', () => {
  test('has a line for each file, beside its result', async () => {
    const { stdout, stderr } = await said(process.execPath, PLAN);
    expect(stderr).toMatch(FETCHED);
    expect(stdout).toMatch(/^small · 2 hosts/);
  });

  test('is silent with --json', async () => {
    const { stdout, stderr } = await said(process.execPath, [...PLAN, '--json']);
    expect([stderr, (JSON.parse(stdout) as { kind: string }).kind]).toEqual(['', 'Plan']);
  });

  test('draws on a terminal how far it is, in the place of what else the run does', async () => {
    const command = quote([process.execPath, ...PLAN]);
    const { stdout: written } = await said('script', ['-qec', `stty cols 90 rows 40; exec ${command}`, '/dev/null']);
    expect(written).toMatch(/kubelet: 4\.0 kB of 8\.0 kB, 50 %\r?\n\S*0 of 1 file, 4\.0 kB/);
    const screen = screenAfter(written).map(
      (line) =>
        `${line
          .map(({ text }) => text)
          .join('')
          .trimEnd()}\n`,
    );
    expect(screen.slice(0, 2).join('')).toMatch(new RegExp(`${FETCHED.source}small · 2 hosts`, 'm'));
    expect(written.lastIndexOf('\u001b[?25h')).toBeGreaterThan(written.lastIndexOf('\u001b[?25l'));
  });
});
