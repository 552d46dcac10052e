import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import 'reflect-metadata';
import { X509Certificate as X509, X509CertificateGenerator } from '@peculiar/x509';
import { afterAll, describe, expect, it } from 'vitest';
import type { Authority } from '../../src/pki/authority.ts';
import { createAuthority } from '../../src/pki/authority.ts';
import type { KeyAlgorithm } from '../../src/pki/keys.ts';
import { derOf, generateKeys, importSigner, signatureOf } from '../../src/pki/keys.ts';
import { signLeaf } from '../../src/pki/leaf.ts';
import { leafSpec } from './spec.ts';

const DAY = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'mcpk-pki-'));
afterAll(() => rmSync(folder, { recursive: true }));

const authority = (keyAlgorithm: KeyAlgorithm, days = 3650, now?: Date): Promise<Authority> =>
  createAuthority({ type: 'authority', commonName: 'mcpk test', days, keyAlgorithm }, now ?? new Date());

/** One that somebody else made: its name is a PrintableString in an order of its own. */
async function foreignAuthority(): Promise<Authority> {
  const keys = await generateKeys('ecdsa-p256', 'key');
  const certificate = await X509CertificateGenerator.create({
    subject: 'CN=Corporate, O=Example',
    issuer: 'CN=Corporate, O=Example',
    publicKey: derOf(keys.public),
    signingKey: await importSigner(keys.private, 'ec'),
    signingAlgorithm: signatureOf('ec'),
  });
  return { cert: certificate.toString('pem'), key: keys.private };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** Every pair of algorithms, and every shape of leaf that the stages ask for. */
const LEAVES: { name: string; by: KeyAlgorithm; spec: Parameters<typeof leafSpec>[0]; purpose: string }[] = [
  {
    name: 'API server',
    by: 'ecdsa-p256',
    spec: { dns: ['kubernetes', 'kubernetes.default.svc'], ip: ['10.254.0.1', '::1'] },
    purpose: 'sslserver',
  },
  {
    name: 'etcd peer',
    by: 'ecdsa-p256',
    spec: { dns: ['m1'], ip: ['127.0.0.1'], usages: ['server', 'client'] },
    purpose: 'sslserver',
  },
  {
    name: 'kubelet client',
    by: 'ecdsa-p256',
    spec: { subject: { CN: 'system:node:m1', O: ['system:nodes'] }, usages: ['client'] },
    purpose: 'sslclient',
  },
  {
    name: 'RSA leaf of an EC authority',
    by: 'ecdsa-p256',
    spec: { keyAlgorithm: 'rsa-2048', dns: ['m1'] },
    purpose: 'sslserver',
  },
  { name: 'EC leaf of an RSA authority', by: 'rsa-2048', spec: { dns: ['m1'] }, purpose: 'sslserver' },
];

describe('signLeaf', () => {
  it.each(LEAVES)('$name: openssl verifies chain, purpose, names and key', async ({ by, spec, purpose }) => {
    const ca = await authority(by);
    const wanted = leafSpec(spec);
    const { cert, key } = await signLeaf(wanted, ca, new Date());
    const seen = new X509Certificate(cert);
    expect(seen.checkIssued(new X509Certificate(ca.cert))).toBe(true);
    expect(seen.checkPrivateKey(createPrivateKey(key.reveal()))).toBe(true);
    for (const name of wanted.dns) expect(seen.checkHost(name)).toBe(name);
    for (const address of wanted.ip) expect(seen.checkIP(address)).toBe(address);
    if (!hasOpenssl) return;
    const [caFile, leafFile] = [file('ca.pem', ca.cert), file('leaf.pem', cert)];
    const strict = ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', caFile];
    expect(execFileSync('openssl', [...strict, leafFile]).toString()).toContain('OK');
    const text = execFileSync('openssl', ['x509', '-noout', '-text', '-in', leafFile]).toString();
    expect(text).toContain('CA:FALSE');
    expect(text).toContain('Authority Key Identifier');
    for (const name of wanted.dns) {
      expect(execFileSync('openssl', ['x509', '-noout', '-checkhost', name, '-in', leafFile]).toString()).toContain(
        'does match',
      );
    }
  });

  it('is valid from five minutes ago, for as many days as wanted', async () => {
    const now = new Date('2026-03-01T12:00:00.700Z');
    const { cert } = await signLeaf(leafSpec({ days: 365 }), await authority('ecdsa-p256', 3650, now), now);
    const seen = new X509Certificate(cert);
    expect(new Date(seen.validFrom).toISOString()).toBe('2026-03-01T11:55:00.000Z');
    expect(new Date(seen.validTo).toISOString()).toBe('2027-03-01T12:00:00.000Z');
  });

  it('ends with its authority at the latest', async () => {
    const ca = await authority('ecdsa-p256', 10);
    const { cert } = await signLeaf(leafSpec({ days: 365 }), ca, new Date());
    expect(new X509Certificate(cert).validTo).toBe(new X509Certificate(ca.cert).validTo);
  });

  it("names its issuer by the very bytes of the authority's subject, however those are encoded", async () => {
    const ca = await foreignAuthority();
    const { cert } = await signLeaf(leafSpec(), ca, new Date());
    const [leaf, issuer] = [new X509(cert), new X509(ca.cert)];
    expect(Buffer.from(leaf.issuerName.toArrayBuffer())).toEqual(Buffer.from(issuer.subjectName.toArrayBuffer()));
  });

  it('takes a random serial number of 128 bits', async () => {
    const ca = await authority('ecdsa-p256');
    const serials = await Promise.all(
      [1, 2].map(async () => new X509Certificate((await signLeaf(leafSpec(), ca, new Date())).cert).serialNumber),
    );
    expect(serials[0]).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(serials[0]).not.toBe(serials[1]);
  });

  it('refuses a key that is not the authority’s', async () => {
    const [one, other] = [await authority('ecdsa-p256'), await authority('ecdsa-p256')];
    await expect(signLeaf(leafSpec(), { cert: one.cert, key: other.key }, new Date())).rejects.toMatchObject({
      code: 'stage',
      message: expect.stringContaining("authority/test: its certificate and its key don't belong together") as string,
    });
  });

  it('refuses an authority that has expired', async () => {
    const ca = await authority('ecdsa-p256', 10, new Date(Date.now() - 11 * DAY));
    await expect(signLeaf(leafSpec(), ca, new Date())).rejects.toMatchObject({
      code: 'stage',
      message: expect.stringContaining('expired on') as string,
    });
  });
});

describe('createAuthority', () => {
  it.each(['ecdsa-p256', 'rsa-2048'] as const)('%s: may sign leaves and nothing below them', async (keyAlgorithm) => {
    const { cert } = await authority(keyAlgorithm);
    expect(new X509Certificate(cert).ca).toBe(true);
    if (!hasOpenssl) return;
    const text = execFileSync('openssl', ['x509', '-noout', '-text', '-in', file('ca.pem', cert)]).toString();
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Certificate Sign, CRL Sign/);
  });
});

it('does not load x509 before something is signed', () => {
  const script = `
    await import(${JSON.stringify(new URL('../../src/pki/leaf.ts', import.meta.url).href)});
    await import(${JSON.stringify(new URL('../../src/pki/shared.ts', import.meta.url).href)});
    process.exit('getMetadata' in Reflect ? 1 : 0);`;
  expect(spawnSync(process.execPath, ['--input-type=module', '-e', script]).status).toBe(0);
});
