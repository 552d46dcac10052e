import { createHash, createPublicKey } from 'node:crypto';

const PUBLIC_KEY = /-----BEGIN [A-Z ]{1,32}-----[A-Za-z0-9+/=\s]{1,8192}-----END [A-Z ]{1,32}-----/g;
const MOST_CHARACTERS = 256 * 1024;

/** sha256 of each public key in a file of PEM, as SPKI in DER; what is none is left out. */
export function publicKeyDigests(text: string): string[] {
  return (text.slice(0, MOST_CHARACTERS).match(PUBLIC_KEY) ?? []).flatMap((pem) => {
    try {
      return [
        createHash('sha256')
          .update(createPublicKey(pem).export({ type: 'spki', format: 'der' }))
          .digest('hex'),
      ];
    } catch {
      return [];
    }
  });
}
