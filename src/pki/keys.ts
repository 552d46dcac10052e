import type { KeyObject, webcrypto } from 'node:crypto';
import { generateKeyPair, subtle } from 'node:crypto';
import { promisify } from 'node:util';
import { Secret } from '../core/secret.ts';
import type { CertificateResource, SecretRecipe } from '../resources/types.ts';

export type KeyAlgorithm = CertificateResource['keyAlgorithm'];

const generate = promisify(generateKeyPair);

/**
 * Two new halves in PEM. RSA takes 0.1 to 2 s, P-256 under 1 ms; neither blocks the event loop.
 * PKCS#8 and SPKI are what etcd, the Kubernetes components (client-go's keyutil, for TLS and for
 * service-account tokens), HAProxy and openssl all read, whatever the algorithm.
 */
export async function generateKeys(
  algorithm: KeyAlgorithm,
  label: string,
): Promise<{ private: Secret; public: string }> {
  const pair = await (algorithm === 'ecdsa-p256'
    ? generate('ec', { namedCurve: 'P-256' })
    : generate('rsa', { modulusLength: algorithm === 'rsa-4096' ? 4096 : 2048 }));
  return { private: new Secret(pem(pair.privateKey, 'pkcs8'), label), public: pem(pair.publicKey, 'spki') };
}

function pem(key: KeyObject, type: 'pkcs8' | 'spki'): string {
  return key.export({ type, format: 'pem' }).toString();
}

/** The service-account pair: items `private` and `public`. */
export async function createKeyPair(
  recipe: Extract<SecretRecipe, { type: 'keypair' }>,
): Promise<{ private: Secret; public: string }> {
  return generateKeys(recipe.keyAlgorithm, 'private key');
}

/** The bytes inside a PEM. */
export function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

/** A private key as WebCrypto signs with it; SHA-256 throughout. */
export async function importSigner(key: Secret, type: 'ec' | 'rsa'): Promise<webcrypto.CryptoKey> {
  const algorithm =
    type === 'ec' ? { name: 'ECDSA', namedCurve: 'P-256' } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  return subtle.importKey('pkcs8', derOf(key.reveal()), algorithm, false, ['sign']);
}

/** What the signature algorithm of a certificate is called. */
export function signatureOf(type: 'ec' | 'rsa'): { name: string; hash: string } {
  return type === 'ec' ? { name: 'ECDSA', hash: 'SHA-256' } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
}

export function typeOf(algorithm: KeyAlgorithm): 'ec' | 'rsa' {
  return algorithm === 'ecdsa-p256' ? 'ec' : 'rsa';
}
