import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { beforeEach, describe, expect, it } from 'vitest';
import { encryptTo } from '../../src/core/age.ts';
import { keysOf, readBundle, type BundleKeys, type EtcdBundle } from '../../src/core/etcd-bundle.ts';
import { encryptionKeys } from '../../src/core/encryption-keys.ts';
import { writeBundle } from '../support/bundle.ts';

const KEYS: BundleKeys = { 'encryption.yaml': 'resources: []', 'service-account.key': 'k', 'service-account.pub': 'p' };

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpk-keys-'));
});

async function identityFile(...identities: string[]): Promise<string> {
  const file = join(folder, 'identity');
  await writeFile(file, ['# created: 2026-11-28', ...identities, ''].join('\n'));
  return file;
}

async function keysIn(
  keys: BundleKeys | Buffer | undefined,
  identity?: string,
  about: Partial<EtcdBundle> = {},
): Promise<BundleKeys | undefined> {
  const file = join(folder, 'bundle');
  await writeBundle(file, keys === undefined ? {} : { keys, about });
  return keysOf(await readBundle(file), identity);
}

describe('the keys of a bundle', () => {
  it('are read where they are plain', async () => {
    expect(await keysIn(KEYS)).toEqual(KEYS);
    expect(await keysIn(undefined)).toBeUndefined();
  });

  it('are opened by any identity of a file that is one of the recipients, and not read without one', async () => {
    const [mine, other] = [await generateIdentity(), await generateIdentity()];
    const encrypted = await encryptTo([await identityToRecipient(mine)], JSON.stringify(KEYS));
    expect(await keysIn(encrypted, await identityFile(other, mine))).toEqual(KEYS);
    expect(await keysIn(encrypted)).toBeUndefined();
    await expect(keysIn(encrypted, await identityFile(other))).rejects.toMatchObject({ exitCode: 18 });
    await expect(keysIn(encrypted, join(folder, 'none'))).rejects.toMatchObject({ exitCode: 64 });
  });

  it('that are something else are no keys', async () => {
    await expect(keysIn({ ...KEYS, 'service-account.pub': undefined as never })).rejects.toMatchObject({
      exitCode: 16,
    });
  });

  it('that lack one that the snapshot is encrypted with are refused before a master is touched', async () => {
    const about = { encryptionKeys: ['a', 'b'] };
    const of = (...names: string[]): BundleKeys => {
      const keys = names.map((name) => `{name: ${name}, secret: x}`).join(', ');
      return { ...KEYS, 'encryption.yaml': `resources: [{providers: [{secretbox: {keys: [${keys}]}}]}]` };
    };
    expect(await keysIn(of('a', 'b', 'c'), undefined, about)).toEqual(of('a', 'b', 'c'));
    for (const keys of [of('a'), { ...KEYS, 'encryption.yaml': 'nonsense: [' }])
      await expect(keysIn(keys, undefined, about)).rejects.toMatchObject({
        exitCode: 16,
        message: expect.stringMatching(/lacks keys .*: .*b$/) as string,
      });
  });
});

describe('the keys of an EncryptionConfiguration', () => {
  const provider = (name: string, ...keys: string[]): string =>
    `  - ${name}: {keys: [${keys.map((key) => `{name: ${key}, secret: of-${key}}`).join(', ')}]}`;

  it('are those of all its providers, in their order', () => {
    const text = ['resources:', '- resources: [secrets]', '  providers:', provider('secretbox', 'b', 'a'), provider('aescbc', 'c'), '  - identity: {}']; // prettier-ignore
    expect(encryptionKeys(text.join('\n')).map(({ name, secret }) => `${name} ${secret}`)).toEqual(['b of-b', 'a of-a', 'c of-c']); // prettier-ignore
  });

  it.each([
    '',
    '[',
    'resources: 3',
    'resources: [{providers: [{secretbox: {keys: [1, {name: a}]}}]}]',
    'a'.repeat(1e6),
  ])('are none in what is no such thing', (text) => {
    expect(encryptionKeys(text)).toEqual([]);
  });
});
