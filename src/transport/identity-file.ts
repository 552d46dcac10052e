import { statSync } from 'node:fs';
import ssh2 from 'ssh2';
import type { ParsedKey } from 'ssh2';
import { readRegularFile, UnreadableFile } from '../core/read-file.ts';
import { untilChanged } from '../core/until-changed.ts';
import { keyType } from './known-hosts.ts';

const MOST_BYTES = 2 ** 20;

/** What an IdentityFile leads to. */
export interface Identity {
  /** To log in with; absent: see `why`. */
  key?: ParsedKey;
  /** Where the key is, when not in the file that was named. */
  file?: string;
  /** Why there is no key. */
  why: string;
  /** Raw; an agent may have the private half. */
  publicKey?: Buffer;
  /** The file that was named holds a public key. */
  isPublic?: boolean;
}

const FIDO = ['sk-ssh-ed25519', 'sk-ecdsa-sha2-nistp256', 'webauthn-sk-ecdsa-sha2-nistp256'];
const PLAIN = ['ssh-rsa', 'ssh-dss', 'ssh-ed25519', 'rsa-sha2-256', 'rsa-sha2-512'];
const CURVES = ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'];

/**
 * Words for a type of key that can't be used, as ssh2 knows neither; undefined for others. The type comes out of a file
 * that may be no key: it is repeated only where it is one of OpenSSH's, so that no token `sk-…` is.
 */
export function unsupported(type: string): string | undefined {
  const base = type.replace(/(-cert-v0[01])?@openssh\.com$/, '');
  if (![...FIDO, ...PLAIN, ...CURVES].includes(base) || base === type) return undefined;
  return `${type.includes('-cert-v0') ? 'certificates' : 'FIDO keys'} are not supported (${type})`;
}

/**
 * As ssh does it: of a public key (`k.pub`) the private half is in the agent, or beside it (`k`); a private key that
 * can't be read (a passphrase) may be in the agent, and `k.pub` beside it tells which one that is.
 * Throws {@link UnreadableFile}.
 */
export function readIdentity(file: string): Identity {
  const own = readKey(file);
  if (own.key?.isPrivateKey() === true) return { key: own.key, publicKey: own.key.getPublicSSH(), why: '' };
  if (own.key === undefined) return { why: own.why, ...publicPart(readBeside(`${file}.pub`)?.key) };
  const publicKey = own.key.getPublicSSH();
  const beside = file.endsWith('.pub') ? readBeside(file.slice(0, -'.pub'.length)) : undefined;
  const fits = beside?.key?.isPrivateKey() === true && beside.key.getPublicSSH().equals(publicKey);
  const half = { publicKey, isPublic: true, why: '' };
  return fits && beside.key ? { ...half, key: beside.key, file: file.slice(0, -'.pub'.length) } : half;
}

function publicPart(key: ParsedKey | undefined): { publicKey?: Buffer } {
  return key ? { publicKey: key.getPublicSSH() } : {};
}

const readKey = untilChanged((file): { key?: ParsedKey; why: string } => {
  const bytes = readRegularFile(file, MOST_BYTES);
  // First: ssh2 takes a certificate in a file for a plain key.
  const why = unsupported(typeOf(bytes.toString('latin1')));
  if (why !== undefined) return { why };
  const key = ssh2.utils.parseKey(bytes);
  if (!(key instanceof Error)) return isOpen(file) && key.isPrivateKey() ? { why: OPEN } : { key, why: '' };
  // ssh2 repeats words of the file in others of its messages.
  const locked = /^Encrypted .* no passphrase given$/.test(key.message);
  return { why: locked ? LOCKED : 'no private key that mcpk can read' };
});

export const LOCKED = 'protected by a passphrase';

/** Of a private key that others may read, which OpenSSH does not use either. */
export const OPEN = 'a private key that others may read or write';

/** As OpenSSH has it (authfile.c): of a file of somebody else, whose mode it is not ours to say, nothing is asked. */
function isOpen(file: string): boolean {
  const { uid, mode } = statSync(file);
  return uid === process.getuid?.() && (mode & 0o077) !== 0;
}

function readBeside(file: string): ReturnType<typeof readKey> | undefined {
  try {
    return readKey(file);
  } catch (error) {
    if (error instanceof UnreadableFile) return undefined;
    throw error;
  }
}

/** `TYPE BASE64 …`, or a private key of OpenSSH, which names the type of its public half behind a fixed head. */
function typeOf(text: string): string {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(text)?.[1];
  if (body === undefined) return text.trimStart().split(/\s/, 1)[0] ?? '';
  const bytes = Buffer.from(body, 'base64');
  // "openssh-key-v1\0", cipher, kdf and its options, each a string; a number of keys; the public key.
  let at = 'openssh-key-v1\0'.length;
  for (let strings = 0; strings < 3 && at + 4 <= bytes.length; strings += 1) at += 4 + bytes.readUInt32BE(at);
  return keyType(bytes.subarray(at + 8)) ?? '';
}
