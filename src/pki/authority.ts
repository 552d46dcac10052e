import type { Secret } from '../core/secret.ts';
import type { SecretRecipe } from '../resources/types.ts';
import { derOf, generateKeys, importSigner, signatureOf, typeOf } from './keys.ts';
import { nameOf } from './name.ts';
import { serialNumber, validity } from './validity.ts';
import { loadX509 } from './x509.ts';

/** What signs: both PEM. */
export interface Authority {
  cert: string;
  key: Secret;
}

/**
 * A new self-signed authority that may sign leaves only (path length 0). `bundle` is what hosts trust: this
 * certificate alone on day one; a rotation adds its successor.
 */
export async function createAuthority(
  recipe: Extract<SecretRecipe, { type: 'authority' }>,
  now: Date,
): Promise<Authority & { bundle: string }> {
  const x509 = await loadX509();
  const keys = await generateKeys(recipe.keyAlgorithm, `key of ${recipe.commonName}`);
  const type = typeOf(recipe.keyAlgorithm);
  const publicKey = derOf(keys.public);
  const name = await nameOf({ CN: recipe.commonName, O: [] });
  const usages = x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: name,
    issuer: name,
    ...validity(recipe.days, now),
    publicKey,
    signingKey: await importSigner(keys.private, type),
    signingAlgorithm: signatureOf(type),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(usages, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  const cert = `${certificate.toString('pem')}\n`;
  return { cert, key: keys.private, bundle: cert };
}
