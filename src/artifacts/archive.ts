import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { McpkError } from '../core/errors.ts';
import { MIRROR_HINT } from './checksums.ts';

const run = promisify(execFile);

/** An archive that unpacks for longer is no release, but a bomb. */
const LIMITS = { timeout: 300_000, killSignal: 'SIGKILL', maxBuffer: 1 << 20 } as const;

export interface Member {
  /** As the archive writes it; odd characters escaped, so that it is one line. */
  member: string;
  size: number;
  /** No link, folder or device. */
  isFile: boolean;
}

/** What a tar.gz holds, without unpacking it. Throws `fetch` when it can't be read. */
export async function listArchive(archive: string, url: string, signal: AbortSignal): Promise<Member[]> {
  const args = ['--list', '--verbose', '--gzip', '--numeric-owner', '--full-time', '--quoting-style=escape'];
  const text = await tar([...args, '--file', archive], url, signal);
  return text.split('\n').flatMap((line) => {
    // `-rwxr-xr-x 0/0   4096 2026-01-02 03:04:05 folder/name`
    const [, type, size, name] = /^(.)\S+ +\S+ +(\d+)\S* +\S+ +\S+ (.+)$/.exec(line) ?? [];
    // Of a link tar tells the target behind its name.
    const member = type === '-' ? name : name?.replace(/ (->|link to) .*$/, '');
    return member === undefined ? [] : [{ member, size: Number(size), isFile: type === '-' }];
  });
}

/** Only these members, into an empty folder: whatever else the archive holds is never written. */
export async function unpack(
  archive: string,
  { into, members, url, signal }: { into: string; members: readonly string[]; url: string; signal: AbortSignal },
): Promise<void> {
  const args = ['--extract', '--gzip', '--no-same-owner', '--no-same-permissions', '--directory', into];
  await tar([...args, '--file', archive, '--', ...members], url, signal);
}

async function tar(args: readonly string[], url: string, signal: AbortSignal): Promise<string> {
  try {
    return (await run('tar', args, { ...LIMITS, signal, env: { PATH: process.env['PATH'], LC_ALL: 'C' } })).stdout;
  } catch (cause) {
    signal.throwIfAborted();
    const [first = reasonOf(cause), ...details] = ((cause as { stderr?: string }).stderr ?? '')
      .split('\n')
      .filter((line) => line !== '');
    throw new McpkError('fetch', `${url} can't be unpacked: ${first}`, { cause, details, hint: MIRROR_HINT });
  }
}

/** Where tar itself had no word to say. */
function reasonOf(cause: unknown): string {
  const { code, killed } = cause as { code?: unknown; killed?: boolean };
  if (code === 'ENOENT') return 'there is no tar on this machine';
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'it lists more files than any release';
  return killed ? `not done after ${String(LIMITS.timeout / 1000)} s` : String(cause);
}
