import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { McpkError } from '../core/errors.ts';
import { Allowance } from './allowance.ts';
import { remoteScript } from './bootstrap.ts';
import { overChannel, type Bulk } from './bulk.ts';
import { encodeCommand } from './commands.ts';
import type { RecordHead } from './frames.ts';
import { notAsked, tooMuch } from './remote-errors.ts';
import { RemoteScript } from './remote-script.ts';
import type { Downloaded, DownloadRequest, SessionRecord } from './types.ts';

/** What a processor's own memory holds while it is copied, summed up and written. */
const PART_BYTES = 1024 * 1024;
/** Twice what SSH lets be on its way, so that a line with a long way is full. This process holds so many. */
const PARTS_ON_THE_WAY = 4;
/** With 8 MiB of packets that nobody needs any more V8 begins to look through all of its heap, and again soon after. */
const COLLECTED_BYTES = 2 * 1024 * 1024;

export type Download = Bulk & DownloadRequest;

/**
 * Streams what a command on the host prints, over a channel of its own. Parts are asked for: the host sends no more
 * than that, and no faster than they are taken. SSH itself finds what is changed on the way. Throws `unreachable` when
 * the connection dies or the host sends more than `most`, what `onData` throws, or the signal's reason; the command is
 * then ended on the host.
 */
export async function download(options: Download): Promise<Downloaded & { sent: number; received: number }> {
  const { argv } = options;
  const what = `what ${argv[0]} prints`;
  const arriving = new Arriving(options, what);
  const remote = await RemoteScript.open(options.connection, {
    ...options,
    script: remoteScript('download'),
    args: [PART_BYTES],
    admit: (head) => arriving.admit(head),
    onRecord: (record) => arriving.take(record),
    onPacket: collector(),
    onEnd: (error) => arriving.fail(error),
  });
  return overChannel(remote, options, { kind: 'download', what }, async () => {
    remote.write(encodeCommand(argv));
    let bytes = 0;
    for (;;) {
      for (; arriving.asked < PARTS_ON_THE_WAY; arriving.asked += 1) remote.write('next\n');
      const record = await arriving.next();
      if (record.kind === 'ended') {
        remote.end();
        return { ...endOf(record), bytes, sent: remote.bytesSent, received: remote.bytesReceived };
      }
      bytes += record.body.length;
      await options.onData(record.body);
      arriving.giveBack(record.body);
    }
  });
}

/**
 * Frees packets soon after they came. They lie outside of V8's heap, which sees no reason to collect its young objects
 * until there are 100 MB of them.
 */
function collector(): (bytes: number) => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as NodeJS.GCFunction;
  let since = 0;
  return (bytes) => {
    since += bytes;
    if (since < COLLECTED_BYTES) return;
    since = 0;
    gc({ type: 'minor' });
  };
}

/** Parts in the order in which they come, and what of them may come. */
class Arriving {
  /** Parts that the host may still send. */
  asked = 0;
  readonly #allowance: Allowance;
  readonly #host: string;
  readonly #what: string;
  #left: number;
  #admitted = 0;
  /** Room for parts, used again and again: the system gives back little of what is freed in between. */
  readonly #rooms: Buffer[] = [];
  readonly #records: SessionRecord[] = [];
  #failure: McpkError | undefined;
  #wake: () => void = () => undefined;

  constructor({ host, most }: Pick<Download, 'host' | 'most'>, what: string) {
    this.#allowance = new Allowance(host, 'download', what);
    this.#host = host;
    this.#what = what;
    this.#left = most;
  }

  /** Throws before there is room made for what was not asked for. */
  admit(head: RecordHead): Buffer | undefined {
    if (head.kind !== 'data') {
      this.#allowance.take(head);
      return undefined;
    }
    if (this.#admitted >= this.asked) throw notAsked(this.#host, 'data', this.#what);
    this.#admitted += 1;
    this.#left -= head.size;
    if (head.size > PART_BYTES || this.#left < 0)
      throw tooMuch({ host: this.#host, kind: 'data', what: this.#what, more: 'was agreed' });
    return (this.#rooms.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES)).subarray(0, head.size);
  }

  giveBack({ buffer }: Buffer): void {
    this.#rooms.push(Buffer.from(buffer));
  }

  take(record: SessionRecord): void {
    this.#records.push(record);
    this.#wake();
  }

  fail(error: McpkError): void {
    this.#failure ??= error;
    this.#wake();
  }

  async next(): Promise<SessionRecord> {
    for (;;) {
      const record = this.#records.shift();
      if (record) {
        this.asked -= 1;
        this.#admitted -= 1;
        return record;
      }
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

function endOf({ args, body }: SessionRecord): Pick<Downloaded, 'exitCode' | 'stderr'> {
  const [code = ''] = args;
  // Never 0 for what is no number: nonsense is not success.
  return { exitCode: /^\d{1,3}$/.test(code) ? Number(code) : 255, stderr: body.toString('utf8') };
}
