import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fingerprint } from '../../src/transport/known-hosts.ts';
import { FaultyServer } from '../transport/faulty-server.ts';
import { oneHost } from '../transport/one-host.ts';
import { mcpk, scratch } from './support.ts';
import type { Said } from './support.ts';

let folder: string;
let server: FaultyServer;
beforeEach(async () => {
  folder = await scratch();
  server = await FaultyServer.start({});
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.stop();
  rmSync(folder, { recursive: true });
});

const known = (): string => join(folder, 'known_hosts');
const name = (): string => `[127.0.0.1]:${server.port}`;
const line = (as = name()): string => `${as} ssh-ed25519 ${server.publicKey.toString('base64')}\n`;

/** Some other key. */
const other = (): Buffer =>
  Buffer.concat([server.publicKey.subarray(0, -1), Buffer.from([server.publicKey.at(-1)! ^ 1])]);

const inventory = (ssh = ''): string => oneHost(folder, server.port, ssh);

function pin(words: readonly string[], ssh = ''): Promise<Said> {
  return mcpk(['host-key', 'pin', '-i', inventory(ssh), ...words]);
}

describe('host-key pin', () => {
  it.each([[[]], [['--json']]])('without a terminal nothing is trusted at first sight %j', async (words) => {
    const said = await pin(words);
    expect(said.code).toBe(64);
    expect(said.stderr + said.stdout).toMatch(/no terminal to ask on/);
    expect(said.stderr + said.stdout).toMatch(/SHA256:.* as \[127\.0\.0\.1\]:\d+ into .*known_hosts/);
    expect(said.stderr + said.stdout).toContain('--yes');
    expect(existsSync(known())).toBe(false);
  });

  it('without a terminal tells of the hosts that do not answer too', async () => {
    const file = inventory();
    const more = '  - { name: w1, address: no-such-host.invalid, internalAddress: 10.9.0.12, roles: [worker] }\n';
    writeFileSync(file, readFileSync(file, 'utf8').replace('network:', `${more}network:`));
    const said = await mcpk(['host-key', 'pin', '-i', file]);
    expect([said.code, said.stderr]).toEqual([64, expect.stringMatching(/no terminal to ask on[^]*✖ w1: /)]);
  });

  it('--yes is being told; what is known already needs no telling', async () => {
    expect(await pin(['--yes'])).toMatchObject({
      code: 0,
      stdout: `m1: pinned  ${fingerprint(server.publicKey)}  as ${name()} in ${known()}\n`,
    });
    expect(readFileSync(known(), 'utf8')).toBe(line());
    const again = await pin([]);
    expect([again.code, again.stdout]).toEqual([
      0,
      `m1: was there  ${fingerprint(server.publicKey)}  as ${name()} in ${known()}\n`,
    ]);
    expect(readFileSync(known(), 'utf8')).toBe(line());
  });

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

  it('what came from the environment into the name of a file is shown as it stands in the inventory', async () => {
    vi.stubEnv('MCPK_FOLDER', 'HunTer2Long');
    mkdirSync(join(folder, 'HunTer2Long'));
    const files = [];
    const file = inventory();
    writeFileSync(file, readFileSync(file, 'utf8').replace('./known_hosts', `'${folder}/\${MCPK_FOLDER}/known_hosts'`));
    const asked = [['pin'], ['pin', '--yes'], ['pin', '--json'], ['show'], ['show', '--json'], ['scan', '--json']];
    for (const [command = '', ...words] of asked) {
      const said = await mcpk(['host-key', command, '-i', file, ...words]);
      expect([command, said.stdout + said.stderr]).toEqual([command, expect.not.stringMatching(/hunter2long/i)]);
      files.push(...(/\S*MCPK_FOLDER\S*/.exec(said.stdout + said.stderr) ?? []));
    }
    expect(files.length).toBeGreaterThan(4);
    expect(readFileSync(join(folder, 'HunTer2Long', 'known_hosts'), 'utf8')).toBe(line());
  });

  it("a HostKeyAlias gets into no known_hosts of the operator's, whoever names the file", async () => {
    const alias = 'github.com';
    const home = join(folder, 'home');
    mkdirSync(join(home, '.ssh'), { recursive: true });
    vi.stubEnv('HOME', home);
    const own = join(home, '.ssh', 'known_hosts');
    const config = join(folder, 'config');
    const ssh = `, configFile: ${config}`;
    writeFileSync(config, `HostKeyAlias ${alias}\nUserKnownHostsFile ~/.ssh/known_hosts\n`);
    for (const words of [[], ['--yes']])
      expect(await pin(words, ssh)).toMatchObject({
        code: 10,
        stderr: expect.stringContaining(`${alias} is a name that HostKeyAlias gives the host`) as string,
      });
    expect([existsSync(own), existsSync(known())]).toEqual([false, false]);
    writeFileSync(config, `HostKeyAlias ${alias}\n`);
    expect(await pin(['--yes'], ssh)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`  as ${alias} in ${known()}\n`) as string,
    });
    expect([existsSync(own), readFileSync(known(), 'utf8')]).toEqual([false, line(alias)]);
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

it.each(['pin', 'scan'])('host-key %s names all hosts behind a jump host that fails', async (command) => {
  const file = inventory(", jump: ['ops@no-such-host.invalid']");
  const more = '  - { name: w1, address: 127.0.0.2, internalAddress: 10.9.0.12, roles: [worker] }\n';
  writeFileSync(file, readFileSync(file, 'utf8').replace('network:', `${more}network:`));
  const said = await mcpk(['host-key', command, '-i', file]);
  expect([said.code, said.stderr]).toEqual([11, expect.stringMatching(/^✖ all: jump host no-such-host\.invalid: /)]);
});

it('host-key scan --help says that an unknown jump host ends it with 12', async () => {
  const { stdout } = await mcpk(['host-key', 'scan', '--help']);
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/Exit 12 when .*jump host on the way is not known/);
});

describe('host-key scan', () => {
  const scan = (): Promise<Said> => mcpk(['host-key', 'scan', '-i', inventory()]);

  it.each<[string, () => string, number]>([
    ['unknown', () => '', 0],
    ['known', () => line(), 0],
    ['changed', () => `${name()} ssh-ed25519 ${other().toString('base64')}\n`, 12],
    ['revoked', () => `@revoked ${line('*')}`, 12],
  ])('tells of a key that is %s, and ends with 12 where it must not be trusted', async (verdict, text, code) => {
    writeFileSync(known(), text());
    expect(await scan()).toMatchObject({ code, stdout: expect.stringMatching(new RegExp(`^m1  ${verdict} `)) as string }); // prettier-ignore
  });
});

describe('host-key show', () => {
  it('tells which lines are not used, without a word of a file that may be a private one', async () => {
    writeFileSync(known(), `c3 secretBeta x\n@secretMark x y z\nsecret\n${line()}`);
    const said = await mcpk(['host-key', 'show', '-i', inventory()]);
    expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining(`${known()}:4`) as string });
    for (const at of [1, 2, 3]) expect(said.stderr).toContain(`${known()}:${at} is not used: `);
    expect(said.stdout + said.stderr).not.toContain('secret');
  });
});

describe('node replace', () => {
  it('refuses another key than --host-key names, also the one that is pinned', async () => {
    writeFileSync(known(), line());
    const file = inventory();
    const m2 = '  - { name: m2, address: 127.0.0.2, internalAddress: 10.9.0.12, roles: [master] }\n';
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('network:', `${m2}endpoint: { address: 10.9.0.100 }\nnetwork:`),
    );
    const said = await mcpk(['node', 'replace', 'm1', '--yes', '--host-key', fingerprint(other()), '-i', file]);
    expect([said.code, said.stderr]).toEqual([12, expect.stringContaining(`and not "${fingerprint(other())}"`)]);
    expect(readFileSync(known(), 'utf8')).toBe(line());
  });
});
