import { createHash } from 'node:crypto';
import { lastLines } from '../core/answer.ts';
import type { BundleWriter, EtcdBundle } from '../core/etcd-bundle.ts';
import { McpkError } from '../core/errors.ts';
import { parseForeignJson } from '../core/json.ts';
import { isMap } from '../core/merge.ts';
import { packageText } from '../core/package-files.ts';
import { PATHS } from '../core/paths.ts';

/** Also laid on members that make bundles by themselves (`etcd.backup`). */
export const snapshotScript = (): string => packageText('src/cluster/etcd-snapshot.sh');

/**
 * Prints a snapshot of the host's member; {@link ArrivingSnapshot} reads it. Nothing of it stays on the host. What it
 * mounts is in a namespace of its own, so that it goes with it, however that ends.
 */
export function snapshotCommand(): string[] {
  return ['unshare', '--mount', 'sh', '-c', snapshotScript(), 'sh', 'send', PATHS.state];
}

/** What the script ends with beside 0. */
const NO_ROOM = 3;
const NOT_PROVED = 4;

/** Why there is none, by how {@link snapshotCommand} ended. */
export function snapshotFailure(host: string, { exitCode, stderr }: { exitCode: number; stderr: string }): McpkError {
  const details = lastLines(stderr, 5);
  if (exitCode === NO_ROOM)
    return new McpkError('preflight', `${host}: no room for a snapshot`, {
      host,
      details,
      hint: `Make room below ${PATHS.state} on ${host}.`,
    });
  if (exitCode === NOT_PROVED)
    return new McpkError(
      'gate',
      `${host}: the snapshot can't be restored, so it is not what etcd has; nothing was kept`,
      {
        host,
        details,
        hint: `Look at the disk of ${host}, and take it of another member until then.`,
      },
    );
  return new McpkError('stage', `${host}: no snapshot (exit code ${String(exitCode)}); nothing was kept`, {
    host,
    details,
  });
}

const LONGEST_LINE = 4096;
/** etcdctl puts a sum of all before it behind the pages of the database. */
const SUM_BYTES = 32;
const PAGE_BYTES = 512;

/** Takes what {@link snapshotCommand} prints, piece by piece, into a bundle. */
export class ArrivingSnapshot {
  readonly #host: string;
  readonly #writer: BundleWriter;
  readonly #hash = createHash('sha256');
  #head = '';
  #size: number | undefined;
  #done = 0;
  /** Of all before the sum. */
  #found = '';
  readonly #sum: Buffer[] = [];
  #tail = '';

  constructor(host: string, writer: BundleWriter) {
    this.#host = host;
    this.#writer = writer;
  }

  /** Throws `gate` for what is no snapshot. */
  async take(piece: Buffer): Promise<void> {
    const rest = this.#size === undefined ? await this.#begin(piece) : piece;
    if (this.#size === undefined) return;
    const bytes = rest.subarray(0, this.#size - this.#done);
    if (bytes.length > 0) await this.#body(bytes, this.#size);
    this.#tail += rest.toString('utf8', bytes.length);
    if (this.#tail.length > LONGEST_LINE) throw this.#nonsense('too much behind it');
  }

  /** When all has come: what bundle.json says of it. Throws `gate` when it is not what etcd wrote. */
  end(): Pick<EtcdBundle, 'revision' | 'totalKeys' | 'databaseBytes' | 'sha256'> {
    if (this.#size === undefined || this.#done < this.#size) throw this.#nonsense('a part of it is missing');
    if (Buffer.concat(this.#sum).toString('hex') !== this.#found)
      throw new McpkError(
        'gate',
        `${this.#host}: the snapshot that arrived is not the one that etcd wrote; nothing was kept`,
        {
          host: this.#host,
          details: [`wanted  sha256 ${Buffer.concat(this.#sum).toString('hex')}`, `found   sha256 ${this.#found}`],
          hint: 'Run the same command again.',
        },
      );
    return { ...this.#status(), sha256: this.#hash.digest('hex') };
  }

  async #begin(piece: Buffer): Promise<Buffer> {
    const end = piece.indexOf('\n');
    this.#head += piece.toString('latin1', 0, end === -1 ? piece.length : end);
    if (end === -1 && this.#head.length <= LONGEST_LINE) return piece.subarray(piece.length);
    const size = /^\d{1,15}$/.test(this.#head) ? Number(this.#head) : 0;
    if (size % PAGE_BYTES !== SUM_BYTES) throw this.#nonsense('etcd puts a sum of 32 bytes behind it');
    await this.#writer.snapshot(size);
    this.#size = size;
    return piece.subarray(end + 1);
  }

  async #body(bytes: Buffer, size: number): Promise<void> {
    const before = Math.max(0, size - SUM_BYTES - this.#done);
    const data = bytes.subarray(0, before);
    const sum = bytes.subarray(data.length);
    this.#hash.update(data);
    if (data.length === before && this.#found === '') this.#found = this.#hash.copy().digest('hex');
    this.#hash.update(sum);
    // A piece of its own is kept, not the megabyte that it lies in.
    if (sum.length > 0) this.#sum.push(Buffer.from(sum));
    this.#done += bytes.length;
    await this.#writer.piece(bytes);
  }

  /** As `etcdutl snapshot status` tells it. */
  #status(): Pick<EtcdBundle, 'revision' | 'totalKeys' | 'databaseBytes'> {
    let json: unknown;
    try {
      json = parseForeignJson(this.#tail);
    } catch {
      // Said below.
    }
    const number = (name: string): number => {
      const value = isMap(json) ? json[name] : undefined;
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw this.#nonsense(`no ${name}`);
      return value;
    };
    return { revision: number('revision'), totalKeys: number('totalKey'), databaseBytes: number('totalSize') };
  }

  #nonsense(why: string): McpkError {
    return new McpkError('gate', `${this.#host}: what it sent is no snapshot (${why}); nothing was kept`, {
      host: this.#host,
      hint: `Run the same command again. If it stays, see what etcdctl and etcdutl print on ${this.#host}.`,
    });
  }
}
