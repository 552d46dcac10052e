import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { makeShared } from '../../src/pki/shared.ts';

const reveal = (value: string | Secret | undefined): string =>
  value instanceof Secret ? value.reveal() : (value ?? '');

describe('makeShared', () => {
  it('makes an authority whose key is a secret and whose bundle is its certificate', async () => {
    const made = await makeShared(
      { type: 'authority', commonName: 'mcpk test', days: 10, keyAlgorithm: 'ecdsa-p256' },
      new Date(),
    );
    expect(Object.keys(made).sort()).toEqual(['bundle', 'cert', 'key']);
    expect(made['key']).toBeInstanceOf(Secret);
    expect(made['bundle']).toBe(made['cert']);
    expect(JSON.stringify(made)).not.toContain('PRIVATE KEY');
  });

  it.each(['ecdsa-p256', 'rsa-2048'] as const)('makes a %s pair whose halves belong together', async (keyAlgorithm) => {
    const made = await makeShared({ type: 'keypair', keyAlgorithm }, new Date());
    expect(reveal(made['private'])).toMatch(/^-----BEGIN PRIVATE KEY-----\n/); // PKCS#8
    expect(reveal(made['public'])).toMatch(/^-----BEGIN PUBLIC KEY-----\n/); // SPKI
    const message = Buffer.from('token');
    const signature = sign('sha256', message, createPrivateKey(reveal(made['private'])));
    expect(verify('sha256', message, createPublicKey(reveal(made['public'])), signature)).toBe(true);
    expect(made['public']).not.toBeInstanceOf(Secret);
  });

  it('makes an encryption configuration with one 32-byte key, plain text readable', async () => {
    const made = await makeShared({ type: 'encryption-config', resources: ['secrets', '*.apps'] }, new Date());
    expect(made['config']).toBeInstanceOf(Secret);
    const config = load(reveal(made['config'])) as {
      apiVersion: string;
      kind: string;
      resources: {
        resources: string[];
        providers: [{ secretbox: { keys: [{ name: string; secret: string }] } }, { identity: object }];
      }[];
    };
    expect(config).toMatchObject({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' });
    expect(config.resources).toHaveLength(1);
    const [entry] = config.resources;
    expect(entry?.resources).toEqual(['secrets', '*.apps']);
    expect(entry?.providers.map((provider) => Object.keys(provider)[0])).toEqual(['secretbox', 'identity']);
    expect(Buffer.from(entry?.providers[0].secretbox.keys[0].secret ?? '', 'base64')).toHaveLength(32);
  });

  it('makes another key each time', async () => {
    const recipe = { type: 'encryption-config', resources: ['secrets'] } as const;
    const [one, other] = await Promise.all([
      makeShared({ ...recipe, resources: ['secrets'] }, new Date()),
      makeShared({ ...recipe, resources: ['secrets'] }, new Date()),
    ]);
    expect(reveal(one['config'])).not.toBe(reveal(other['config']));
  });

  it.each([[[]], [['secrets\n  - x']], [['Secrets']]])('refuses to encrypt %j', async (resources) => {
    await expect(makeShared({ type: 'encryption-config', resources }, new Date())).rejects.toMatchObject({
      code: 'invalid',
    });
  });
});
