import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPlan } from '../../src/engine/plan/plan-file.ts';
import { load, loadTexts } from '../../src/inventory/load.ts';
import { parseManifest } from '../../src/states/manifests.ts';
import { readIdentity } from '../../src/transport/identity-file.ts';
import { readKnownHosts } from '../../src/transport/known-hosts-files.ts';
import { readSshConfig } from '../../src/transport/ssh-config-file.ts';

/** Stands for what nobody but the operator shall read. */
const PRIVATE = 'hunter2';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpk-private-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** All that could be shown of what reading it says, its causes too. */
async function said(text: string, read: (file: string) => unknown): Promise<string> {
  const file = join(folder, 'private');
  await writeFile(file, text);
  const outcome: unknown = await Promise.resolve()
    .then(() => read(file))
    .catch((error: unknown) => error);
  return inspect(outcome, { depth: 9 }) + JSON.stringify(outcome);
}

/** A private key as OpenSSH writes it, by its parts. */
function openssh(...parts: string[]): string {
  const strings = parts.map((part) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(part.length);
    return Buffer.concat([size, Buffer.from(part)]);
  });
  const body = Buffer.concat([Buffer.from('openssh-key-v1\0'), ...strings, Buffer.alloc(40)]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

describe('of a private file that an inventory names in place of', () => {
  it.each<[string, string]>([
    ['a token that begins like a FIDO key', `sk-${PRIVATE}\n`],
    ['a name that ends like a certificate', `${PRIVATE}-cert-v01@openssh.com\n`],
    ['a key of an unknown cipher', openssh(PRIVATE, 'bcrypt', 'x')],
    [
      'a key of an unknown magic',
      openssh('none', 'none', '').replace(/\n[^-]+\n/, `\n${btoa(`${PRIVATE}${' '.repeat(60)}`)}\n`),
    ],
    ['a password', `${PRIVATE}\n`],
  ])('an identity nothing is told: %s', async (_what, text) => {
    const told = await said(text, readIdentity);
    expect(told).toContain('why');
    expect(told).not.toContain(PRIVATE);
  });

  it.each<[string, string]>([
    ['an alias', `password: *${PRIVATE}\n`],
    ['a tag', `password: !${PRIVATE} x\n`],
    ['a tag in full', `password: !<${PRIVATE}> x\n`],
    ['a tag of an unknown handle', `password: !${PRIVATE}!x y\n`],
    ['a key twice', `${PRIVATE}: a\n${PRIVATE}: b\n`],
    ['a broken line', `password: "${PRIVATE}" x\n`],
    ['ini', `[default]\npassword = ${PRIVATE}\n`],
    ['one word', `${PRIVATE}\n`],
  ])('a manifest nothing is told: %s', async (_what, text) => {
    const told = await said(text, () => parseManifest('m', text));
    expect(told).toContain('manifest m: ');
    expect(told).not.toContain(PRIVATE);
  });

  it.each<[string, string]>([
    ['credentials', `[default]\npassword = ${PRIVATE}\n`],
    ['a netrc', `machine example.org login me password ${PRIVATE}\n`],
    ['lines that begin like options', `User ${PRIVATE} ${PRIVATE}\nPort ${PRIVATE}\n`],
    ['an open quote', `HostName "${PRIVATE}\n`],
    ['a condition', `Match ${PRIVATE} x\n`],
    ['a command', `ProxyCommand ${PRIVATE}\n`],
  ])('an ssh_config nothing is told: %s', async (_what, text) => {
    const told = await said(text, (file) => readSshConfig(file, 'm1'));
    expect(told).toContain('ConfigMistake');
    expect(told).not.toContain(PRIVATE);
  });

  it.each<[string, string]>([
    ['a password', `${PRIVATE}\n`],
    ['a marker', `@${PRIVATE} a b\n`],
    ['three words', `m1 ${PRIVATE} ${PRIVATE}\n`],
  ])('a list of host keys nothing is told: %s', async (_what, text) => {
    expect(await said(text, (file) => readKnownHosts({ knownHostsFiles: [file] }))).not.toContain(PRIVATE);
    const revoked = (file: string): unknown => readKnownHosts({ knownHostsFiles: [], revokedHostKeys: file });
    expect(await said(text, revoked)).not.toContain(PRIVATE);
  });

  it.each<[string, string]>([
    ['a kubeconfig', `apiVersion: v1\nkind: Config\nusers:\n- token: "${PRIVATE}" x\n`],
    ['a manifest', `kind: Secret\n${PRIVATE}: x\ndata: { ${PRIVATE}: x }\n`],
    ['JSON', `{"apiVersion": "v1", "${PRIVATE}": 1}`],
  ])('an inventory nothing is told: %s', async (_what, text) => {
    const told = await said(text, (file) => load([file], { env: {} }));
    expect(told).toContain('InventoryError');
    expect(told).not.toContain(PRIVATE);
  });

  it.each<[string, string]>([
    ['a password', `${PRIVATE}\n`],
    ['a key', `-----BEGIN PRIVATE KEY-----\n${PRIVATE}\n-----END PRIVATE KEY-----\n`],
  ])("an issuer's authority nothing is told: %s", async (_what, text) => {
    const told = await said(text, (file) => {
      const issuer = { url: 'https://a.example.org', audiences: ['a'], certificateAuthority: file };
      const jwt = [{ issuer, claimMappings: { username: { claim: 'sub', prefix: '' } } }];
      const hosts = [{ name: 'm1', address: '10.0.0.1', roles: ['master'] }];
      const inventory = JSON.stringify({ name: 'c', hosts, apiServer: { authentication: { jwt } } });
      return loadTexts([{ file: 'a.yaml', text: inventory }], { env: {} });
    });
    expect(told).toContain('must be certificates');
    expect(told).not.toContain(PRIVATE);
  });

  it.each<[string, string]>([
    ['a map of other things', `{"${PRIVATE}": 1, "stages": [{"${PRIVATE}": 1}]}`],
    ['no JSON', PRIVATE],
  ])('a plan nothing is told: %s', async (_what, text) => {
    const told = await said(text, readPlan);
    expect(told).toContain('is not a plan of mcpk');
    expect(told).not.toContain(PRIVATE);
  });
});
