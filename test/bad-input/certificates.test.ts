import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectCertificate } from '../../src/core/certificate.ts';
import { renewalReasons } from '../../src/core/renewal.ts';
import { Secret } from '../../src/core/secret.ts';
import { createAuthority, type Authority } from '../../src/pki/authority.ts';
import { signLeaf } from '../../src/pki/leaf.ts';
import { leafSpec } from '../pki/spec.ts';
import { errorOf } from './judge.ts';

const made = await createAuthority(
  { type: 'authority', commonName: 'ca', days: 3650, keyAlgorithm: 'ecdsa-p256' },
  new Date(),
);
const other = await createAuthority(
  { type: 'authority', commonName: 'ca', days: 3650, keyAlgorithm: 'ecdsa-p256' },
  new Date(),
);
const spec = leafSpec();
const leaf = await signLeaf(spec, made, new Date());
const key = (text: string): Secret => new Secret(text, 'key of ca');
const pem = (bytes: Buffer, what = 'CERTIFICATE'): string =>
  `-----BEGIN ${what}-----\n${bytes.toString('base64')}\n-----END ${what}-----\n`;
const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const der = Buffer.from(leaf.cert.replace(/-----[^-]+-----|\s/g, ''), 'base64');

describe('an authority that cannot sign is named, and why', () => {
  it.each<[string, Authority]>([
    ['nothing', { cert: '', key: made.key }],
    ['half a certificate', { cert: made.cert.slice(0, made.cert.length / 2), key: made.key }],
    ['a certificate of nonsense', { cert: pem(Buffer.from('nonsense')), key: made.key }],
    ['a key in place of the certificate', { cert: made.key.reveal(), key: made.key }],
    ['no key', { cert: made.cert, key: key('') }],
    ['half a key', { cert: made.cert, key: key(made.key.reveal().slice(0, 90)) }],
    ['a key of nonsense', { cert: made.cert, key: key(pem(Buffer.from('nonsense'), 'PRIVATE KEY')) }],
    ['a certificate in place of the key', { cert: made.cert, key: key(made.cert) }],
    ['the key of another', { cert: made.cert, key: other.key }],
    ['a key of another kind', { cert: made.cert, key: key(ed25519) }],
    ['binary', { cert: '\0\u0001\ufffd', key: key('\0') }],
  ])('%s', async (_what, authority) => {
    const error = await errorOf(() => signLeaf(spec, authority, new Date()));
    expect(error).toMatchObject({ code: 'stage', hint: expect.any(String) as string });
    expect(error.message).toContain(spec.authority);
    expect(JSON.stringify([error.message, error.details])).not.toContain('PRIVATE KEY');
  });
});

describe('a certificate that is found', () => {
  const wanted = spec;
  const reasons = (text: string, bundle = made.bundle): string[] =>
    renewalReasons(wanted, text, { bundle, now: new Date() });

  it.each<[string, string]>([
    ['nothing', ''],
    ['text', 'hello\n'],
    ['a key', leaf.key.reveal()],
    ['half of one', leaf.cert.slice(0, 200)],
    ['one of nonsense', pem(Buffer.alloc(200, 1))],
    ['one of a megabyte', pem(Buffer.alloc(1_000_000, 0x30))],
    ['a thousand of nothing', pem(Buffer.alloc(0)).repeat(1000)],
  ])('%s: is made anew', (_what, text) => {
    expect(inspectCertificate(text)).toBeUndefined();
    expect(reasons(text)).toEqual(['the file holds no readable certificate']);
  });

  it('with any of its bytes changed is no reason to crash, and not trusted where it is still one', () => {
    const byte = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(byte, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(der);
        for (const [at, by] of changes) bytes[at] = (bytes[at] ?? 0) ^ by;
        fc.pre(!bytes.equals(der));
        const text = pem(bytes);
        expect(reasons(text).length).toBeGreaterThan(0);
        // As what others are held against: only a crash is wrong.
        expect(Array.isArray(reasons(leaf.cert, text))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
