import type { CertificateResource } from '../../src/resources/types.ts';

/** A leaf's description with everything that a test does not care about. */
export function leafSpec(change: Partial<CertificateResource> = {}): CertificateResource {
  return {
    kind: 'certificate',
    path: '/etc/test/tls.crt',
    keyPath: '/etc/test/tls.key',
    authority: 'authority/test',
    subject: { CN: 'test', O: [] },
    dns: [],
    ip: [],
    usages: ['server'],
    days: 365,
    renewBeforeDays: 30,
    keyAlgorithm: 'ecdsa-p256',
    owner: 'root',
    group: 'root',
    ...change,
  };
}
