import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { decryptWith } from './age.ts';
import { encryptionKeys } from './encryption-keys.ts';
import { McpkError } from './errors.ts';
import { isMap } from './merge.ts';
import { publicKeyDigests } from './public-keys.ts';
import { unreadable } from './read-file.ts';
import { BLOCK_BYTES, inBlocks, LARGEST_FILE, parseUstarHeader, ustarHeader, type UstarFile } from './ustar.ts';
import { minorNumber } from './versions.ts';

/**
 * What is in a bundle: etcd's data with all that they are of use with (docs/recovery.md). An uncompressed ustar of
 * `bundle.json` (this), `keys.json` or `keys.json.age` (neither where `keys` is `none`) and `snapshot.db`, in this order.
 */
export interface EtcdBundle {
  apiVersion: 'mcpk/v1';
  kind: 'EtcdBundle';
  /** Name of the cluster. */
  cluster: string;
  /** As etcd counts it, in decimal digits. */
  clusterId: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** Of whom it was taken. */
  member: string;
  versions: { etcd: string; kubernetes: string };
  revision: number;
  totalKeys: number;
  databaseBytes: number;
  /** Of snapshot.db. */
  sha256: string;
  /** Names of the keys that values are encrypted with, in their order. */
  encryptionKeys: string[];
  /** sha256 of each public key, as SPKI in DER. */
  serviceAccountKeys: string[];
  keys: 'plain' | 'age' | 'none';
}

/** The keys of the masters, by the names of their files. */
export type BundleKeys = Record<(typeof KEY_NAMES)[number], string>;

const KEY_NAMES = ['encryption.yaml', 'service-account.key', 'service-account.pub'] as const;

const DESCRIPTION = 'bundle.json';
const SNAPSHOT = 'snapshot.db';
const KEY_FILES: Readonly<Record<string, EtcdBundle['keys']>> = { 'keys.json': 'plain', 'keys.json.age': 'age' };
/** It stands first, and is known last: its place is kept free, and filled up with blanks. */
const DESCRIPTION_BYTES = 4096;
const MOST_KEYS_BYTES = 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;

/** From etcd 3.7 on a snapshot's count is of keys; before, of all that its database holds (etcd-io/etcd#19344). */
export function countsKeys({ versions }: Pick<EtcdBundle, 'versions'>): boolean {
  return minorNumber(versions.etcd) >= 7;
}

/** `lab-20261128T174305Z.mcpk-etcd.tar` */
export function bundleName(cluster: string, at: Date): string {
  return `${cluster}-${at.toISOString().replaceAll(/[-:]|\.\d+/g, '')}${BUNDLE_SUFFIX}`;
}

export const BUNDLE_SUFFIX = '.mcpk-etcd.tar';

/** What bundle.json says of these keys, and none of what is secret in them. */
export function describeKeys(keys: BundleKeys): Pick<EtcdBundle, 'encryptionKeys' | 'serviceAccountKeys'> {
  return {
    encryptionKeys: [...new Set(encryptionKeys(keys['encryption.yaml']).map(({ name }) => name))],
    serviceAccountKeys: publicKeyDigests(keys['service-account.pub']),
  };
}

/** Writes a bundle into a file that is open and empty: the keys, the snapshot as it comes, and at last what it is. */
export class BundleWriter {
  readonly #file: FileHandle;
  readonly #createdAt: Date;
  #position = BLOCK_BYTES + DESCRIPTION_BYTES;
  /** Where its header belongs. */
  #snapshot: number | undefined;

  constructor(file: FileHandle, createdAt: Date) {
    this.#file = file;
    this.#createdAt = createdAt;
  }

  async keys(bytes: Buffer, form: 'plain' | 'age'): Promise<void> {
    const name = Object.entries(KEY_FILES).find(([, each]) => each === form)?.[0] ?? '';
    await this.#put(ustarHeader({ name, size: bytes.length }, this.#createdAt));
    await this.#put(bytes);
    this.#position = inBlocks(this.#position);
  }

  /** More of the snapshot, after the keys. Throws `refused` for more than an archive of this kind can hold. */
  async piece(bytes: Buffer): Promise<void> {
    if (this.#snapshot === undefined) {
      this.#snapshot = this.#position;
      this.#position += BLOCK_BYTES;
    }
    if (this.#size + bytes.length > LARGEST_FILE)
      throw new McpkError('refused', 'a snapshot of more than a bundle holds (8 GiB)', {
        hint: 'Keep it apart: etcdctl snapshot save on a member.',
      });
    await this.#put(bytes);
  }

  get #size(): number {
    return this.#snapshot === undefined ? 0 : this.#position - this.#snapshot - BLOCK_BYTES;
  }

  /** Throws `unexpected` without a snapshot. */
  async finish(bundle: EtcdBundle): Promise<void> {
    const text = Buffer.from(JSON.stringify(bundle, undefined, 1));
    if (this.#snapshot === undefined || text.length >= DESCRIPTION_BYTES)
      throw new McpkError('unexpected', 'a bundle that lacks its snapshot, or is too long to describe');
    // Two empty blocks end an archive.
    await this.#file.truncate(inBlocks(this.#position) + 2 * BLOCK_BYTES);
    const header = ustarHeader({ name: SNAPSHOT, size: this.#size }, this.#createdAt);
    this.#position = this.#snapshot;
    await this.#put(header);
    this.#position = 0;
    await this.#put(ustarHeader({ name: DESCRIPTION, size: DESCRIPTION_BYTES }, this.#createdAt));
    await this.#put(
      Buffer.alloc(DESCRIPTION_BYTES, text.toString('latin1').concat('\n').padEnd(DESCRIPTION_BYTES), 'latin1'),
    );
  }

  async #put(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#position);
      done += bytesWritten;
      this.#position += bytesWritten;
    }
  }
}

/** A bundle on the operator's disk, looked into. */
export interface OpenedBundle {
  bundle: EtcdBundle;
  /** Of keys.json, or keys.json.age; absent where it has none. */
  keys?: Buffer;
  /** Where the bytes of snapshot.db lie in the file. */
  snapshot: { position: number; size: number };
}

/**
 * Reads what a bundle says of itself, its keys, and every byte of its snapshot. Throws `usage` for a file that cannot be
 * read, `gate` for one that is no bundle, or whose snapshot is another than it says.
 */
export async function readBundle(path: string): Promise<OpenedBundle> {
  const refuse = (why: string, cause?: unknown): McpkError =>
    new McpkError('usage', `${path}: ${why}`, { cause, hint: 'Name a file of mcpk etcd snapshot.' });
  // Of a pipe nobody might ever write into the other end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: NodeJS.ErrnoException) => {
    throw refuse(unreadable(cause).message, cause);
  });
  try {
    if (!(await file.stat()).isFile()) throw refuse('is no file');
    const opened = await look(file, path);
    const found = await sumOf(file, opened.snapshot);
    if (found !== opened.bundle.sha256)
      throw new McpkError('gate', `${path}: its snapshot is not the one that was taken`, {
        details: [`wanted  sha256 ${opened.bundle.sha256}`, `found   sha256 ${found}`],
        hint: 'Its disk or a copy has damaged it: take another bundle.',
      });
    return opened;
  } finally {
    await file.close();
  }
}

async function look(file: FileHandle, path: string): Promise<OpenedBundle> {
  let position = 0;
  const next = async (): Promise<UstarFile & { position: number }> => {
    const header = parseUstarHeader(await bytesAt(file, position, BLOCK_BYTES));
    if (!header) throw noBundle(path);
    const found = { ...header, position: position + BLOCK_BYTES };
    position = found.position + inBlocks(header.size);
    return found;
  };
  const description = await next();
  if (description.name !== DESCRIPTION || description.size > MOST_KEYS_BYTES) throw noBundle(path);
  const bundle = parseBundle(await bytesAt(file, description.position, description.size), path);
  const second = await next();
  const form = KEY_FILES[second.name] ?? 'none';
  const snapshot = form === 'none' ? second : await next();
  if (form !== bundle.keys || snapshot.name !== SNAPSHOT || (form !== 'none' && second.size > MOST_KEYS_BYTES))
    throw noBundle(path);
  return {
    bundle,
    snapshot: { position: snapshot.position, size: snapshot.size },
    ...(form === 'none' ? {} : { keys: await bytesAt(file, second.position, second.size) }),
  };
}

function parseBundle(bytes: Buffer, path: string): EtcdBundle {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'));
    if (isBundle(json)) return json;
  } catch {
    // Said below.
  }
  throw noBundle(path);
}

function isBundle(json: unknown): json is EtcdBundle {
  if (!isMap(json) || json['apiVersion'] !== 'mcpk/v1' || json['kind'] !== 'EtcdBundle') return false;
  const { versions, encryptionKeys: encryption, serviceAccountKeys: accounts } = json;
  return (
    /^[0-9a-f]{64}$/.test(String(json['sha256'])) &&
    [json['cluster'], json['clusterId'], json['createdAt'], json['member']].every(isText) &&
    isMap(versions) &&
    [versions['etcd'], versions['kubernetes']].every(isText) &&
    [json['revision'], json['totalKeys'], json['databaseBytes']].every(
      (count) => Number.isSafeInteger(count) && Number(count) >= 0,
    ) &&
    [encryption, accounts].every((names) => Array.isArray(names) && names.every(isText))
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function noBundle(path: string): McpkError {
  return new McpkError('gate', `${path} is no bundle of etcd's data, or a part of one`, {
    hint: 'mcpk etcd snapshot --out FOLDER makes one.',
  });
}

/** Less at the end of the file. */
async function bytesAt(file: FileHandle, position: number, size: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, position);
  return buffer.subarray(0, bytesRead);
}

async function sumOf(file: FileHandle, { position, size }: { position: number; size: number }): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(PIECE_BYTES);
  for (let done = 0; done < size;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE_BYTES, size - done), position + done);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    done += bytesRead;
  }
  return hash.digest('hex');
}

/**
 * Its keys as text. Undefined where it has none, or they are encrypted and nobody says how to open them; throws as
 * {@link decryptWith}, and `gate` for other things than keys, and for others than the bundle says it has.
 */
export async function keysOf({ bundle, keys }: OpenedBundle, identity?: string): Promise<BundleKeys | undefined> {
  if (!keys || (bundle.keys === 'age' && identity === undefined)) return undefined;
  const text = bundle.keys === 'age' ? await decryptWith(identity ?? '', keys) : keys.toString('utf8');
  const json = parsed(text);
  if (!isMap(json) || !KEY_NAMES.every((name) => isText(json[name])))
    throw new McpkError('gate', "the bundle's keys can't be read", { hint: 'Take another bundle.' });
  const found = json as BundleKeys;
  const held = encryptionKeys(found['encryption.yaml']).map(({ name }) => name);
  const missing = bundle.encryptionKeys.filter((name) => !held.includes(name));
  if (missing.length === 0) return found;
  throw new McpkError('gate', `the bundle lacks keys that its snapshot is encrypted with: ${missing.join(', ')}`, {
    hint: 'Take another bundle.',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
