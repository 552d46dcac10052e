import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { quote } from '../../src/core/quote.ts';
import { FaultyServer } from './faulty-server.ts';
import { oneHost } from './one-host.ts';

let folder: string;
let server: FaultyServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpk-terminal-'));
  server = await FaultyServer.start({});
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const known = (): string => join(folder, 'known_hosts');

const inventory = (): string => oneHost(folder, server.port);

/** `host-key pin` on a terminal of its own, with somebody at it; what the terminal shows. */
async function onTerminal(answer: string): Promise<{ code: number; shown: string }> {
  const command = quote([process.execPath, 'bin/dev.js', 'host-key', 'pin', '-i', inventory()]);
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    if (shown.includes('[y/N]')) child.stdin.end(`${answer}\n`);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, shown: stripVTControlCharacters(shown) };
}

it.skipIf(!existsSync('/usr/bin/script')).each(['y', 'n'])(
  'on a terminal the question of host-key pin shows fingerprint, name and file; the answer counts: %s',
  async (answer) => {
    const { code, shown } = await onTerminal(answer);
    expect(shown).toMatch(/m1 {2}SHA256:\S+ {2}ssh-ed25519 {2}as \[127\.0\.0\.1\]:\d+ into /);
    expect(shown).toContain(`as [127.0.0.1]:${server.port} into ${known()}`);
    expect([code, existsSync(known())]).toEqual(answer === 'y' ? [0, true] : [18, false]);
  },
);
