import { open, stat } from 'node:fs/promises';
import { McpkError } from '../core/errors.ts';
import type { Become } from './bootstrap.ts';
import { remoteScript } from './bootstrap.ts';
import type { Connection } from './dial.ts';
import { RemoteScript } from './remote-script.ts';
import type { SessionRecord } from './types.ts';

const WRITE_BYTES = 256 * 1024;

export interface Upload {
  connection: Connection;
  host: string;
  user: string;
  become: Become;
  password?: string;
  /** Seconds. */
  startLimit: number;
  /** On this machine. */
  source: string;
  /** On the host. */
  path: string;
  sha256: string;
  onBytes: (n: number) => void;
  signal: AbortSignal;
}

/**
 * Streams a file to a host over a channel of its own. It appears under its name (0755) only when size and sha256
 * agree; else nothing is left there. Throws `stage` for a checksum or a full disk, `unreachable` when the
 * connection dies, or the signal's reason. Returns the bytes that went over the channel.
 */
export async function upload(options: Upload): Promise<{ sent: number; received: number }> {
  const { size } = await stat(options.source);
  const answer = Promise.withResolvers<SessionRecord>();
  answer.promise.catch(() => undefined);
  const remote = await RemoteScript.open(options.connection, {
    ...options,
    script: remoteScript('upload'),
    args: [size, options.sha256],
    onRecord: answer.resolve,
    onEnd: answer.reject,
  });
  const abort = (): void => remote.destroy(abortError(options));
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    if (options.signal.aborted) abort();
    remote.write(`${options.path}\n`);
    // A host that gives up early (full disk) answers before it has read everything.
    await Promise.race([answer.promise, send(remote, options)]);
    remote.end();
    const record = await answer.promise;
    if (record.kind !== 'stored') throw refused(options, record, size);
    await remote.closed;
    return { sent: remote.bytesSent, received: remote.bytesReceived };
  } catch (error) {
    remote.destroy(
      new McpkError('unreachable', `${options.host}: the upload was given up`, { host: options.host, cause: error }),
    );
    throw error;
  } finally {
    options.signal.removeEventListener('abort', abort);
  }
}

/** Large writes, corked until the next turn: many SSH packets then share one system call. */
async function send(remote: RemoteScript, { connection, source, onBytes, signal }: Upload): Promise<void> {
  const file = await open(source);
  try {
    for await (const chunk of file.createReadStream({
      highWaterMark: WRITE_BYTES,
      autoClose: false,
    }) as AsyncIterable<Buffer>) {
      if (signal.aborted) return;
      connection.stream.cork();
      setImmediate(() => connection.stream.uncork());
      const more = remote.write(chunk);
      onBytes(chunk.length);
      if (!more && !(await remote.drained())) return;
    }
  } finally {
    await file.close();
  }
}

function refused({ host, path, sha256, source }: Upload, record: SessionRecord, size: number): McpkError {
  const [why, found] = record.args;
  if (why === 'checksum')
    return new McpkError(
      'stage',
      `${host}: the checksum of ${path} is wrong after the upload; nothing was put in place`,
      {
        host,
        details: [`wanted  sha256 ${sha256}`, `found   sha256 ${found}`],
        hint: `Compare with sha256sum ${source}; fetch the file anew when it differs.`,
      },
    );
  if (why === 'size')
    return new McpkError('stage', `${host}: ${found} of ${size} bytes of ${path} arrived; nothing was put in place`, {
      host,
      hint: 'Was the file changed while it was sent? Run the same command again.',
    });
  // `dd: error writing 'standard output': No space left on device`: the last part is the cause.
  const cause = record.body.toString('utf8').trim().split(': ').at(-1) ?? '';
  return new McpkError('stage', `${host}: cannot write ${path}: ${cause}; nothing was put in place`, {
    host,
    hint: `Make room, or mount it writable: look at df and mount for ${path} on the host.`,
  });
}

function abortError({ host, signal }: Upload): McpkError {
  const reason: unknown = signal.reason;
  return reason instanceof McpkError
    ? reason
    : new McpkError('interrupted', `${host}: interrupted`, { host, cause: reason });
}
