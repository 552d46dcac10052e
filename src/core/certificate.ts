import { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';

/** What mcpk asks of a certificate that it finds. */
export interface Inspected {
  subject: { CN: string; O: string[] };
  /** The issuer's CN. */
  issuer: string;
  dns: string[];
  /** In their shortest form. */
  ip: string[];
  usages: ('server' | 'client')[];
  keyAlgorithm: 'ecdsa-p256' | 'rsa-2048' | 'rsa-4096' | 'other';
  notBefore: Date;
  notAfter: Date;
  /** SHA-256 of the DER, `AB:CD:…`. */
  fingerprint: string;
  /** Whether one certificate of `bundle` (PEM) really signed it. */
  isSignedBy(bundle: string): boolean;
}

const USAGES: Readonly<Record<string, 'server' | 'client'>> = {
  '1.3.6.1.5.5.7.3.1': 'server',
  '1.3.6.1.5.5.7.3.2': 'client',
};

/** Reads the first certificate of a PEM text (a key beside it is ignored); undefined when there is none that can be read. */
export function inspectCertificate(pem: string): Inspected | undefined {
  const certificate = certificatesOf(pem, 1)[0];
  if (certificate === undefined) return undefined;
  const subject = attributesOf(certificate.subject);
  const names = alternativeNames(certificate);
  return {
    subject: { CN: subject('CN')[0] ?? '', O: subject('O') },
    issuer: attributesOf(certificate.issuer)('CN')[0] ?? '',
    dns: names.filter(([type]) => type === 'DNS').map(([, value]) => value),
    ip: names.filter(([type]) => type === 'IP Address').map(([, value]) => normalAddress(value)),
    usages: certificate.keyUsage?.flatMap((oid) => USAGES[oid] ?? []) ?? [],
    keyAlgorithm: keyAlgorithmOf(certificate),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    fingerprint: certificate.fingerprint256,
    isSignedBy: (bundle) =>
      certificatesOf(bundle, MOST_AUTHORITIES).some(
        (issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
      ),
  };
}

/** Of what is not {@link isCertificateBundle}. */
export const NO_CERTIFICATES = 'must be certificates (PEM), nothing else among them, or a file of those';

/** Whether a PEM text holds certificates, one at least, and nothing else. */
export function isCertificateBundle(pem: string): boolean {
  const blocks = pem.slice(0, MOST_CHARACTERS).split('-----BEGIN ').length - 1;
  return blocks > 0 && certificatesOf(pem, blocks).length === blocks;
}

/** `::1` for `0:0:0:0:0:0:0:1`; IPv4 and anything else as it is. */
export function normalAddress(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

/** In a bundle of one authority and those that it takes turns with. */
const MOST_AUTHORITIES = 20;
/** A certificate has a few thousand characters; one with hundreds of names ten times that. */
const MOST_CHARACTERS = 256 * 1024;
const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';

function certificatesOf(pem: string, most: number): X509Certificate[] {
  return blocksOf(pem.slice(0, MOST_CHARACTERS), most).flatMap((block) => {
    try {
      const certificate = new X509Certificate(block);
      // Key and dates are read only now by Node; without them it is of no use.
      const usable = certificate.publicKey.type === 'public' && !Number.isNaN(Date.parse(certificate.validTo));
      return usable ? [certificate] : [];
    } catch {
      return []; // half a file after a crash is no certificate
    }
  });
}

/** The first blocks; what is no certificate among them counts as one. */
function blocksOf(pem: string, most: number): string[] {
  const blocks: string[] = [];
  for (let at = pem.indexOf(BEGIN); at >= 0 && blocks.length < most; at = pem.indexOf(BEGIN, at + 1)) {
    const end = pem.indexOf('-', at + BEGIN.length);
    if (end > at + BEGIN.length && pem.startsWith(END, end)) blocks.push(pem.slice(at, end + END.length));
  }
  return blocks;
}

/**
 * Values of a name's attributes. From the text `O=a\nCN=b`, escaped as RFC 2253 has it, and not from toLegacyObject():
 * Node 24 dies there (SIGSEGV) of some certificates with a damaged byte.
 */
function attributesOf(name: string | undefined): (attribute: string) => string[] {
  const lines = (name ?? '').split('\n').map((line) => /^([^=]*)=(.*)$/s.exec(line));
  const unescape = (value: string): string => value.replace(/\\(.)/g, '$1');
  return (attribute) => lines.flatMap((line) => (line?.[1] === attribute ? [unescape(line[2] ?? '')] : []));
}

/** `DNS:m1, IP Address:10.0.0.1` → pairs. Node quotes odd names, which then simply differ from what is wanted. */
function alternativeNames(certificate: X509Certificate): [string, string][] {
  return (certificate.subjectAltName ?? '').split(', ').map((name) => {
    const colon = name.indexOf(':');
    return [name.slice(0, colon), name.slice(colon + 1)];
  });
}

function keyAlgorithmOf({ publicKey }: X509Certificate): Inspected['keyAlgorithm'] {
  const details = publicKey.asymmetricKeyDetails;
  if (publicKey.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1') return 'ecdsa-p256';
  if (publicKey.asymmetricKeyType === 'rsa' && details?.modulusLength === 2048) return 'rsa-2048';
  if (publicKey.asymmetricKeyType === 'rsa' && details?.modulusLength === 4096) return 'rsa-4096';
  return 'other';
}
