import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quote } from '../../src/core/quote.ts';
import { FaultyServer } from '../transport/faulty-server.ts';
import { mcpk, scratch } from './support.ts';
import type { Said } from './support.ts';

let folder: string;
let server: FaultyServer;
beforeEach(async () => {
  folder = await scratch();
  server = await FaultyServer.start({});
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const known = (): string => join(folder, 'known_hosts');
const name = (): string => `[127.0.0.1]:${server.port}`;
const line = (as = name()): string => `${as} ssh-ed25519 ${server.publicKey.toString('base64')}\n`;

function inventory(ssh = ''): string {
  const file = join(folder, 'mcpk.yaml');
  writeFileSync(
    file,
    `apiVersion: mcpk/v1
kind: Cluster
name: small
ssh: { agent: false, port: ${server.port}, knownHostsFiles: [./known_hosts], connectTimeout: 30${ssh} }
hosts:
  - { name: m1, address: 127.0.0.1, internalAddress: 10.9.0.11, roles: [master] }
network: { plugin: none }
`,
  );
  return file;
}

function pin(words: readonly string[], ssh = ''): Promise<Said> {
  return mcpk(['host-key', 'pin', '-i', inventory(ssh), ...words]);
}

/** The same on a terminal of its own, with somebody at it; what the terminal shows. */
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

describe('host-key pin', () => {
  it.each([[[]], [['--json']]])('without a terminal nothing is trusted at first sight %j', async (words) => {
    const said = await pin(words);
    expect(said.code).toBe(18);
    expect(said.stderr + said.stdout).toMatch(/no terminal to ask on/);
    expect(said.stderr + said.stdout).toMatch(/SHA256:.* as \[127\.0\.0\.1\]:\d+ into .*known_hosts/);
    expect(said.stderr + said.stdout).toContain('--yes');
    expect(existsSync(known())).toBe(false);
  });

  it('--yes is being told; what is known already needs no telling', async () => {
    expect((await pin(['--yes'])).code).toBe(0);
    expect(readFileSync(known(), 'utf8')).toBe(line());
    const again = await pin([]);
    expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/m1: was there {2}SHA256:/)]);
    expect(readFileSync(known(), 'utf8')).toBe(line());
  });

  it.skipIf(!existsSync('/usr/bin/script')).each(['y', 'n'])(
    'on a terminal the question shows fingerprint, name and file; the answer counts: %s',
    async (answer) => {
      const { code, shown } = await onTerminal(answer);
      expect(shown).toMatch(/m1 {2}SHA256:\S+ {2}ssh-ed25519 {2}as \[127\.0\.0\.1\]:\d+ into /);
      expect(shown).toContain(`as ${name()} into ${known()}`);
      expect([code, existsSync(known())]).toEqual(answer === 'y' ? [0, true] : [18, false]);
    },
  );

  it('a file of another kind is refused before anybody is asked, with --yes too', async () => {
    const text = `ssh-ed25519 ${server.publicKey.toString('base64')} me@home\n`;
    writeFileSync(known(), text);
    for (const words of [[], ['--yes']]) {
      const said = await pin(words);
      expect([said.code, said.stderr]).toEqual([10, expect.stringMatching(/is another kind of file: its line 1/)]);
    }
    expect(readFileSync(known(), 'utf8')).toBe(text);
  });

  it("a name of the repository's ssh_config is one name or none; the one that counts is shown", async () => {
    const keys = join(folder, 'authorized_keys');
    mkdirSync(join(folder, 'd'));
    const config = join(folder, 'd', 'config');
    const ssh = `, configFile: ${config}`;
    writeFileSync(config, `HostKeyAlias "restrict,pty"\nUserKnownHostsFile ${keys}\n`);
    expect(await pin(['--yes'], ssh)).toMatchObject({
      code: 10,
      stderr: expect.stringMatching(/config:1: HostKeyAlias/) as string,
    });
    writeFileSync(config, `HostKeyAlias gate\nUserKnownHostsFile ${keys}\n`);
    expect(await pin(['--yes'], ssh)).toMatchObject({
      code: 10,
      stderr: expect.stringMatching(/meant for other things/) as string,
    });
    expect(existsSync(keys)).toBe(false);
    writeFileSync(config, 'HostKeyAlias gate\n');
    expect((await pin([], ssh)).stderr).toMatch(/as gate into /);
    expect((await pin(['--yes'], ssh)).code).toBe(0);
    expect(readFileSync(known(), 'utf8')).toBe(line('gate'));
  });

  it('what is revoked is not pinned', async () => {
    const list = join(folder, 'revoked');
    writeFileSync(list, `# stolen\nssh-ed25519 ${server.publicKey.toString('base64')} old\n`);
    const config = join(folder, 'config');
    writeFileSync(config, `RevokedHostKeys ${list}\n`);
    writeFileSync(known(), line());
    const said = await pin(['--yes'], `, configFile: ${config}`);
    expect([said.code, said.stderr]).toEqual([12, expect.stringMatching(new RegExp(`marked as revoked in ${list}:2`))]);
    for (const [text, says] of [
      ['SSHKRL\n\0', /is a KRL/],
      ['ssh-ed25519\n', /no public key in line 1/],
    ] as const) {
      writeFileSync(list, text);
      expect(await pin(['--yes'], `, configFile: ${config}`)).toMatchObject({
        code: 10,
        stderr: expect.stringMatching(says) as string,
      });
    }
    rmSync(list);
    expect((await pin(['--yes'], `, configFile: ${config}`)).code).toBe(10);
  });

  it('known_hosts of the machine count as known, and are not written to', async () => {
    const global = join(folder, 'ssh_known_hosts');
    writeFileSync(global, line());
    const config = join(folder, 'config');
    writeFileSync(config, `GlobalKnownHostsFile ${global}\n`);
    const said = await pin([], `, configFile: ${config}`);
    expect([said.code, said.stdout]).toEqual([0, expect.stringContaining(global)]);
    expect([existsSync(known()), readFileSync(global, 'utf8')]).toEqual([false, line()]);
    writeFileSync(global, `@revoked ${line('*')}`);
    writeFileSync(known(), line());
    expect((await pin(['--yes'], `, configFile: ${config}`)).code).toBe(12);
  });
});
