import { McpkError } from './errors.ts';
import { readFileAtMost, UnreadableFile } from './read-file.ts';

/**
 * A text that only the holders of these recipients' identities can read (age-encryption.org/v1). Throws `usage` for what
 * is no recipient: `age1…`, as age-keygen prints it.
 */
export async function encryptTo(recipients: readonly string[], text: string): Promise<Buffer> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      throw new McpkError('usage', `${JSON.stringify(recipient)} is no recipient of age`, {
        cause,
        hint: 'A recipient begins with age1; age-keygen prints it as the public key.',
      });
    }
  }
  return Buffer.from(await encrypter.encrypt(text));
}

/** What {@link encryptTo} made, with one of the identities in a file of age-keygen. Throws `usage`, and `refused` when none opens it. */
export async function decryptWith(file: string, bytes: Uint8Array): Promise<string> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  const lines = identitiesIn(file);
  try {
    for (const identity of lines) decrypter.addIdentity(identity);
    return await decrypter.decrypt(bytes, 'text');
  } catch (cause) {
    throw new McpkError('refused', `${file}: none of its identities of age opens the keys of the bundle`, {
      cause,
      hint: 'Name the file with an identity of one of its recipients: --age-identity FILE.',
    });
  }
}

/** Beside comments, as age-keygen writes them. */
function identitiesIn(file: string): string[] {
  try {
    const lines = readFileAtMost(file, MOST_BYTES).toString('utf8').split('\n');
    return lines.map((line) => line.trim()).filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  } catch (cause) {
    if (!(cause instanceof UnreadableFile)) throw cause;
    throw new McpkError('usage', `${file}: ${cause.message}`, { cause, hint: 'age-keygen writes such a file.' });
  }
}

const MOST_BYTES = 64 * 1024;
