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

/** etcdctl puts a sum of all before it behind the pages of the database. */
const SUM_BYTES = 32;
/** Behind that the script says what it is. */
const ABOUT_BYTES = 512;
const LAST_BYTES = SUM_BYTES + ABOUT_BYTES;

/** Takes what {@link snapshotCommand} prints, piece by piece, into a bundle. How long it is only its end tells. */
export class ArrivingSnapshot {
  readonly #host: string;
  readonly #writer: BundleWriter;
  readonly #hash = createHash('sha256');
  /** The last bytes that came, at most so many as are not of the database. */
  #last = Buffer.alloc(0);

  constructor(host: string, writer: BundleWriter) {
    this.#host = host;
    this.#writer = writer;
  }

  async take(piece: Buffer): Promise<void> {
    const ready = Math.max(0, this.#last.length + piece.length - LAST_BYTES);
    const before = this.#last.subarray(0, ready);
    const now = piece.subarray(0, ready - before.length);
    const last = Buffer.concat([this.#last.subarray(before.length), piece.subarray(now.length)]);
    for (const bytes of [before, now]) {
      this.#hash.update(bytes);
      await this.#writer.piece(bytes);
    }
    this.#last = last;
  }

  /** When all has come: what bundle.json says of it. Throws `gate` when it is not what etcd wrote. */
  async end(): Promise<Pick<EtcdBundle, 'revision' | 'totalKeys' | 'databaseBytes' | 'sha256'>> {
    const sum = this.#last.subarray(0, SUM_BYTES);
    const found = this.#hash.copy().digest('hex');
    const status = this.#status(this.#last.toString('utf8', SUM_BYTES));
    if (sum.toString('hex') !== found)
      throw new McpkError(
        'gate',
        `${this.#host}: the snapshot that arrived is not the one that etcd wrote; nothing was kept`,
        {
          host: this.#host,
          details: [`wanted  sha256 ${sum.toString('hex')}`, `found   sha256 ${found}`],
          hint: 'Run the same command again.',
        },
      );
    await this.#writer.piece(sum);
    return { ...status, sha256: this.#hash.update(sum).digest('hex') };
  }

  /** As `etcdutl snapshot status` tells it. */
  #status(text: string): Pick<EtcdBundle, 'revision' | 'totalKeys' | 'databaseBytes'> {
    let json: unknown;
    try {
      json = parseForeignJson(text);
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
