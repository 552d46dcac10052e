import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { ParsedKey } from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { McpkError } from '../../src/core/errors.ts';
import { SelectedAgent } from '../../src/transport/agent.ts';
import { connect } from '../../src/transport/connect.ts';
import { readIdentity } from '../../src/transport/identity-file.ts';
import type { Target } from '../../src/transport/types.ts';
import { FaultyServer } from './faulty-server.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const blob = (name: string): Buffer => Buffer.from(readFileSync(at(name), 'utf8').split(' ')[1] ?? '', 'base64');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpk-identities-'));
  const keygen = (...words: string[]): unknown => execFileSync('ssh-keygen', ['-q', ...words], { stdio: 'ignore' });
  for (const name of ['k', 'other', 'ca']) keygen('-t', 'ed25519', '-N', '', '-C', name, '-f', at(name));
  keygen('-t', 'ed25519', '-N', 'secret', '-f', at('locked'));
  keygen('-s', at('ca'), '-I', 'me', at('other.pub'));
  copyFileSync(at('other.pub'), at('half.pub'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const string = (bytes: Buffer): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
};
const FIDO = 'sk-ssh-ed25519@openssh.com';
const fido = (): Buffer =>
  Buffer.concat([string(Buffer.from(FIDO)), string(Buffer.alloc(32, 1)), string(Buffer.from('ssh:'))]);

let agent: Server | undefined;
let server: FaultyServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
  await new Promise((resolve) => (agent ? agent.close(resolve) : resolve(undefined)));
  agent = undefined;
});

/** An agent that has these keys, and signs nothing. */
async function serveAgent(keys: readonly [Buffer, string][]): Promise<string> {
  const body = Buffer.concat(keys.flatMap(([key, comment]) => [string(key), string(Buffer.from(comment))]));
  const answer = string(Buffer.concat([Buffer.from([12, 0, 0, 0, keys.length]), body]));
  agent = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(answer));
  });
  const path = at(`agent${String(Math.random()).slice(2)}`);
  await new Promise<void>((resolve) => agent?.listen(path, resolve));
  return path;
}

async function refusal(target: Partial<Target>, socket?: string): Promise<McpkError> {
  server ??= await FaultyServer.start({ accept: false });
  const before = process.env['SSH_AUTH_SOCK'];
  if (socket !== undefined) process.env['SSH_AUTH_SOCK'] = socket;
  try {
    await connect(server.target(target), {
      signal: new AbortController().signal,
      lock: { kind: 'none', who: 'test' },
      code: {},
    });
  } catch (error) {
    if (error instanceof McpkError) return error;
    throw error;
  } finally {
    if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
    else process.env['SSH_AUTH_SOCK'] = before;
  }
  throw new Error('it did not fail');
}

describe('an identity file', () => {
  test('that is a public key means the private one beside it', () => {
    expect(readIdentity(at('k.pub'))).toMatchObject({ file: at('k'), publicKey: blob('k.pub') });
    expect(readIdentity(at('k.pub')).key?.isPrivateKey()).toBe(true);
    writeFileSync(at('half'), readFileSync(at('k')));
    expect(readIdentity(at('half.pub')).key, 'another key lies beside it').toBeUndefined();
    rmSync(at('half'));
  });

  test('that is a public key alone is said to be one, not to be refused', async () => {
    const error = await refusal({ identityFiles: [at('half.pub')] });
    expect([error.code, error.details]).toEqual([
      'unreachable',
      [expect.stringMatching(/half\.pub: a public key only/)],
    ]);
    expect(server?.sockets).toBe(0);
  });

  test('that others may read is not used, as ssh uses none', async () => {
    writeFileSync(at('open'), readFileSync(at('k')), { mode: 0o644 });
    const error = await refusal({ identityFiles: [at('open')] });
    expect([error.code, error.details]).toEqual([
      'unreachable',
      [`${at('open')}: a private key that others may read or write`],
    ]);
    expect(error.hint).toContain(`chmod 600 ${at('open')}`);
    expect(server?.sockets).toBe(0);
    chmodSync(at('open'), 0o600);
    expect(readIdentity(at('open')).key?.isPrivateKey()).toBe(true);
  });

  test('that is none of those by default is said to have been looked for', async () => {
    vi.stubEnv('HOME', folder);
    const error = await refusal({ identityFiles: [] });
    vi.unstubAllEnvs();
    const looked = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(folder, '.ssh', name)).join(', ');
    expect([error.message, error.details]).toEqual(['m1: no key to log in with as root', [`looked for ${looked}`]]);
  });

  test.each([
    ['a certificate', 'other-cert.pub', /certificates are not supported \(ssh-ed25519-cert-v01@openssh\.com\)/],
    ['a FIDO key', 'sk.pub', /FIDO keys are not supported \(sk-ssh-ed25519@openssh\.com\)/],
    ['the private half of a FIDO key', 'sk', /FIDO keys are not supported \(sk-ssh-ed25519@openssh\.com\)/],
  ])('that is %s is said to be unsupported', async (_what, name, says) => {
    writeFileSync(at('sk.pub'), `${FIDO} ${fido().toString('base64')} me\n`);
    const head = ['none', 'none', ''].map((word) => string(Buffer.from(word)));
    const body = [
      Buffer.from('openssh-key-v1\0'),
      ...head,
      Buffer.from([0, 0, 0, 1]),
      string(fido()),
      string(Buffer.alloc(8)),
    ];
    writeFileSync(
      at('sk'),
      `-----BEGIN OPENSSH PRIVATE KEY-----\n${Buffer.concat(body).toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`,
    );
    const error = await refusal({ identityFiles: [at(name)] });
    expect(error.details).toEqual([expect.stringMatching(says)]);
  });
});

describe('an agent', () => {
  const choices: [what: string, wanted: () => Buffer[], only: boolean, offered: string[]][] = [
    ['gives all', () => [], false, ['other', 'k']],
    ['gives those of named files first', () => [blob('k.pub')], false, ['k', 'other']],
    ['gives no others with IdentitiesOnly', () => [blob('k.pub')], true, ['k']],
    ['gives none with IdentitiesOnly and no file', () => [], true, []],
  ];
  test.each(choices)('%s', async (_what, wanted, only, offered) => {
    const path = await serveAgent([
      [blob('other.pub'), 'other'],
      [blob('k.pub'), 'k'],
    ]);
    const keys = await new Promise<ParsedKey[]>((resolve, reject) =>
      new SelectedAgent(path, { wanted: wanted(), only }).getIdentities((error, found) =>
        error ? reject(error) : resolve((found ?? []) as ParsedKey[]),
      ),
    );
    expect(keys.map((key) => key.comment)).toEqual(offered);
  });

  test('with only a certificate and a FIDO key: both are named as unsupported, nothing is called refused', async () => {
    const path = await serveAgent([
      [blob('other-cert.pub'), 'work cert'],
      [fido(), 'yubi\nkey'],
    ]);
    const error = await refusal({ identityFiles: [at('none')], agent: true }, path);
    expect(error.details).toEqual([
      expect.stringMatching(/^skipped .*none: there is no such file/),
      `skipped  agent ${path}: ssh-ed25519-cert-v01@openssh.com work cert: certificates are not supported (ssh-ed25519-cert-v01@openssh.com)`,
      `skipped  agent ${path}: ${FIDO} yubi key: FIDO keys are not supported (${FIDO})`,
    ]);
    expect(error.hint).toMatch(/plain keys only/);
    expect(error.hint).not.toMatch(/name another one/);
  });

  test('that was asked for keys: each is named as refused, and a public key file that it lacks', async () => {
    const path = await serveAgent([[blob('k.pub'), 'my key']]);
    const error = await refusal({ identityFiles: [at('half.pub')], agent: true }, path);
    expect(error.details).toEqual([
      `refused  agent ${path}: ssh-ed25519 my key`,
      expect.stringMatching(/^skipped .*half\.pub: a public key only; the agent does not have it/),
    ]);
    expect(error.hint).toMatch(/authorized_keys/);
  });

  test('that is no agent changes nothing', async () => {
    const error = await refusal({ identityFiles: [at('k')], agent: true }, at('nobody'));
    expect(error.details[0]).toBe(`refused  ${at('k')}`);
  });

  test('a key with a passphrase is known by the public one beside it', () => {
    expect(readIdentity(at('locked'))).toEqual({ why: 'protected by a passphrase', publicKey: blob('locked.pub') });
  });

  test('ssh2 itself still passes over what it does not know', () => {
    for (const key of [blob('other-cert.pub'), fido()]) expect(ssh2.utils.parseKey(key)).toBeInstanceOf(Error);
  });
});
