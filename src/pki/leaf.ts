import { X509Certificate, createPrivateKey } from 'node:crypto';
import { McpkError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { CertificateResource } from '../resources/types.ts';
import type { Authority } from './authority.ts';
import { derOf, generateKeys, importSigner, signatureOf, typeOf } from './keys.ts';
import { nameOf } from './name.ts';
import { serialNumber, validity } from './validity.ts';
import { loadX509 } from './x509.ts';

/**
 * A new key and its certificate, signed by `authority` at `now`, which is the hosts' time. It ends with the authority at the latest. Throws
 * McpkError `stage` when the authority has expired or its two halves don't belong together.
 */
export async function signLeaf(
  spec: CertificateResource,
  authority: Authority,
  now: Date,
): Promise<{ cert: string; key: Secret }> {
  const signer = checkAuthority(spec, authority, now);
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(derOf(authority.cert));
  const keys = await generateKeys(spec.keyAlgorithm, `key of ${spec.subject.CN}`);
  const publicKey = derOf(keys.public);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: await nameOf(spec.subject),
    // The issuer's own encoding of its name: chains are built by comparing bytes.
    issuer: issuer.subjectName,
    ...validity(spec.days, now, issuer.notAfter),
    publicKey,
    signingKey: await importSigner(authority.key, signer),
    signingAlgorithm: signatureOf(signer),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(keyUsages(spec, x509.KeyUsageFlags), true),
      new x509.ExtendedKeyUsageExtension(spec.usages.map((usage) => PURPOSES[usage])),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(spec.dns.length + spec.ip.length > 0 ? [new x509.SubjectAlternativeNameExtension(names(spec))] : []),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: keys.private };
}

const PURPOSES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

function names(spec: CertificateResource): { type: 'dns' | 'ip'; value: string }[] {
  return [
    ...spec.dns.map((value) => ({ type: 'dns' as const, value })),
    ...spec.ip.map((value) => ({ type: 'ip' as const, value })),
  ];
}

/** RSA keys may also carry a TLS 1.2 session key; for EC keys the bit has no meaning. */
function keyUsages(spec: CertificateResource, flags: { digitalSignature: number; keyEncipherment: number }): number {
  return typeOf(spec.keyAlgorithm) === 'rsa' ? flags.digitalSignature | flags.keyEncipherment : flags.digitalSignature;
}

const BACKUP = 'restore both files from one backup, or from another master';

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Gives the type of the authority's key. */
function checkAuthority(spec: CertificateResource, authority: Authority, now: Date): 'ec' | 'rsa' {
  const refuse = (why: string, hint = BACKUP): McpkError => new McpkError('stage', `${spec.authority}${why}`, { hint });
  const certificate = readable(() => new X509Certificate(authority.cert));
  const key = readable(() => createPrivateKey(authority.key.reveal()));
  if (!certificate) throw refuse(': what lies in place of its certificate is none');
  // What the reading says may quote a key.
  if (!key) throw refuse(': what lies in place of its key is none');
  if (!certificate.checkPrivateKey(key)) {
    throw refuse(": its certificate and its key don't belong together");
  }
  if (new Date(certificate.validTo) <= now) {
    throw refuse(` expired on ${certificate.validTo}, so ${spec.path} can't be signed`, 'put a new authority in place');
  }
  return key.asymmetricKeyType === 'ec' ? 'ec' : 'rsa';
}
