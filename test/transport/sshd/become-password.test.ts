import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../../scripts/process.ts';
import { quote } from '../../../src/core/quote.ts';
import { PASSWORD } from '../sshd.ts';
import { impossible, realSshd } from './real-sshd.ts';

const { sshd } = await realSshd();

/** `mcpk exec -K` as a user whose sudo wants a password, which somebody types as soon as it is asked for. */
async function idAsRoot(password: string): Promise<{ code: number; shown: string }> {
  const inventory = join(sshd.folder, 'sudo.yaml');
  writeFileSync(
    inventory,
    `name: small
ssh: { user: pw, agent: false, port: ${sshd.port}, identityFiles: [${sshd.identity}], knownHostsFiles: [${sshd.knownHosts}] }
hosts: [{ name: m1, address: 127.0.0.1, internalAddress: 10.9.0.11, roles: [master] }]
network: { plugin: none }
`,
  );
  const command = quote([process.execPath, 'bin/dev.js', 'exec', '-K', '-i', inventory, '--', 'id', '-un']);
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  let asked = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    if (asked || !shown.includes("sudo's password on the hosts: ")) return;
    asked = true;
    child.stdin.write(`${password}\r`);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, shown: stripVTControlCharacters(shown) };
}

describe.skipIf(impossible !== undefined || !existsSync('/usr/bin/script'))("sudo's password on a terminal", () => {
  test('makes root of who types it, and is not shown', async () => {
    const { code, shown } = await idAsRoot(PASSWORD);
    expect([code, shown]).toEqual([0, expect.stringMatching(/m1 {2}root\s+$/)]);
    expect(shown).not.toContain(PASSWORD);
  });

  test('that is wrong is tried once, and is not shown', async () => {
    const { code, shown } = await idAsRoot('not-this-one');
    expect([code, shown]).toEqual([11, expect.stringContaining('type it anew (-K)')]);
    expect(shown).not.toContain('not-this-one');
  });
});
