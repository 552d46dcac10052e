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
async function onTerminal(typed: string): Promise<{ code: number; shown: string }> {
  const command = quote([process.execPath, 'bin/dev.js', 'host-key', 'pin', '-i', inventory()]);
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  let asked = false;
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    if (asked || !shown.includes('[y/N]')) return;
    asked = true;
    child.stdin.write(typed);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, shown: stripVTControlCharacters(shown) };
}

it.skipIf(!existsSync('/usr/bin/script')).each([
  ['y', 'y\n', 0],
  ['n', 'n\n', 130],
  ['Ctrl-D', '\u0004', 130],
  ['Ctrl-C', '\u0003', 130],
])(
  'on a terminal the question of host-key pin shows fingerprint, name and file; the answer counts: %s',
  async (answer, typed, exit) => {
    const { code, shown } = await onTerminal(typed);
    expect(shown).toMatch(/m1 {2}SHA256:\S+ {2}ssh-ed25519 {2}as \[127\.0\.0\.1\]:\d+ into /);
    expect(shown).toContain(`as [127.0.0.1]:${server.port} into ${known()}`);
    expect([code, existsSync(known())]).toEqual([exit, answer === 'y']);
    expect(shown).not.toMatch(/fault of mcpk|unsettled/);
  },
);
