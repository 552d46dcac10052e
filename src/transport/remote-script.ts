import type { ClientChannel } from 'ssh2';
import { McpkError } from '../core/errors.ts';
import { startOf } from './bootstrap.ts';
import type { Become, Start } from './bootstrap.ts';
import { AGAIN } from './dial-errors.ts';
import { RecordParser } from './frames.ts';
import type { RecordHead } from './frames.ts';
import { noRecord, notStarted, scriptEnded, talksOn, wrongPassword } from './remote-errors.ts';
import type { Connection } from './dial.ts';
import type { SessionRecord } from './types.ts';

/** What session.sh writes to standard error for each beat. */
const SIGN_OF_LIFE = '\u0006';
/** A sign each two seconds of the longest request, and what a shell may have to say. */
const MOST_STDERR = 64 * 1024;

/** How a channel ended; `close` without a code or signal is a lost connection, never success. */
export interface Exit {
  code?: number;
  signal?: string;
}

export interface ScriptOptions {
  host: string;
  user: string;
  script: string;
  args: readonly (string | number)[];
  become: Become;
  password?: string;
  onRecord: (record: SessionRecord) => void;
  /** Throws on a record that nobody waits for: the channel ends with that. May give the room for its bytes. */
  admit: (head: RecordHead) => Buffer | void;
  /** Of what came, once it is taken: how many bytes. */
  onPacket?: (bytes: number) => void;
  /** Once; what is still waited for fails with it. */
  onEnd: (error: McpkError) => void;
  signal: AbortSignal;
  /** Seconds until the host must have begun to run it: a login shell or PAM may hang. */
  startLimit: number;
}

/** A script of ours that runs on a host, over a channel of its own: bytes go in, records come out. */
export class RemoteScript {
  readonly #channel: ClientChannel;
  readonly #parser: RecordParser;
  readonly #options: ScriptOptions;
  #stderr = '';
  #heard = 0;
  #signs = 0;
  #exit: Exit = {};
  #password: string | undefined;
  readonly #prompt: string;
  #start: (() => void) | undefined;
  #failure: McpkError | undefined;
  #ended = false;
  readonly #late: NodeJS.Timeout;
  bytesSent = 0;
  #close: () => void = () => undefined;
  /** Resolves, whatever the reason. */
  readonly closed: Promise<void>;

  /** Resolves as soon as bytes may be written: at once, but with a password, when the script runs. */
  static async open(connection: Connection, options: ScriptOptions): Promise<RemoteScript> {
    const start = startOf(options.script, options.args, options.become);
    const remote = await openChannel(connection, options, {
      command: start.command,
      // At once: a script that fails at the door has its exit code in the same packet as sshd's yes.
      use: (channel) => new RemoteScript(channel, start, options),
    });
    if (options.password !== undefined) await remote.#started();
    remote.write(start.input);
    return remote;
  }

  private constructor(channel: ClientChannel, { marker, prompt }: Start, options: ScriptOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#password = options.password;
    this.#prompt = prompt;
    this.#parser = new RecordParser(marker, options.onRecord, options.admit);
    channel.on('data', (chunk: Buffer) => this.#receive(chunk));
    // Unread, it would keep the channel from closing.
    channel.stderr.on('data', (chunk: Buffer) => this.#hear(chunk));
    channel.on('error', () => undefined);
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#exit = { ...(code === null ? {} : { code }), ...(signal === undefined ? {} : { signal }) };
    });
    this.#late = setTimeout(() => this.destroy(notStarted(options)), options.startLimit * 1000);
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    channel.once('close', () => this.#end());
  }

  get bytesReceived(): number {
    return this.#parser.bytes;
  }

  /** Grows with each byte of a record and each sign of life; undefined until the script has begun. */
  get progress(): number | undefined {
    return this.#parser.started ? this.#parser.bytes + this.#signs : undefined;
  }

  /** See RecordParser: a record that began and has not ended. */
  get unfinished(): RecordParser['unfinished'] {
    return this.#parser.unfinished;
  }

  /** False: the channel takes more only after a while. */
  write(bytes: Buffer | string): boolean {
    this.bytesSent += bytes.length;
    return this.#channel.writable ? this.#channel.write(bytes) : true;
  }

  /** Bulk data: resolves true when more may be written, false when the channel has closed. */
  pour(bytes: Buffer): Promise<boolean> {
    if (this.write(bytes)) return Promise.resolve(true);
    const more = new Promise<boolean>((resolve) => this.#channel.once('drain', () => resolve(true)));
    return Promise.race([this.closed.then(() => false), more]);
  }

  /** No more input; the script ends by itself. */
  end(): void {
    if (this.#channel.writable) this.#channel.end();
  }

  /** Gives up on the channel, for a reason better than what the host would say. */
  destroy(reason: McpkError): void {
    this.#failure ??= reason;
    this.#channel.close();
    // A host that is gone would never confirm it.
    this.#end();
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return;
    try {
      this.#parser.push(chunk);
      this.#options.onPacket?.(chunk.length);
    } catch (error) {
      this.destroy(error instanceof McpkError ? error : noRecord(this.#options.host, error as Error));
    }
    if (!this.#parser.started) return;
    clearTimeout(this.#late);
    this.#start?.();
  }

  #hear(chunk: Buffer): void {
    if (this.#ended) return;
    this.#heard += chunk.length;
    if (this.#heard > MOST_STDERR) return this.destroy(talksOn(this.#options.host, MOST_STDERR));
    const text = chunk.toString('utf8');
    const said = text.replaceAll(SIGN_OF_LIFE, '');
    this.#signs += text.length - said.length;
    this.#stderr = (this.#stderr + said).slice(-4096);
    while (this.#password !== undefined && this.#stderr.includes(this.#prompt)) {
      this.#stderr = this.#stderr.replace(this.#prompt, '');
      if (this.#password === '') this.destroy(wrongPassword(this.#options));
      else this.#channel.write(`${this.#password}\n`);
      this.#password = '';
    }
  }

  /** Sudo may ask, or the script start, before this is called: both are listened to from the first byte. */
  async #started(): Promise<void> {
    if (!this.#parser.started) {
      const start = new Promise<void>((resolve) => (this.#start = resolve));
      await Promise.race([start, this.closed]);
    }
    this.#password = undefined;
    if (!this.#parser.started) throw this.#failure ?? this.#ending();
  }

  #ending(): McpkError {
    return scriptEnded(this.#options, {
      exit: this.#exit,
      stderr: this.#stderr,
      preamble: this.#parser.preamble,
      started: this.#parser.started,
    });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#late);
    this.#close();
    this.#options.onEnd(this.#failure ?? this.#ending());
  }
}

function openChannel<T>(
  connection: Connection,
  options: ScriptOptions,
  { command, use }: { command: string; use: (channel: ClientChannel) => T },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const lost = (): void =>
      settle(() =>
        reject(
          new McpkError('unreachable', `${options.host}: the connection was lost`, {
            host: options.host,
            again: AGAIN.unreached,
          }),
        ),
      );
    const abort = (): void => settle(() => reject(options.signal.reason as Error));
    const late = setTimeout(() => settle(() => reject(notStarted(options))), options.startLimit * 1000);
    let over = false;
    const settle = (end: () => void): void => {
      over = true;
      clearTimeout(late);
      options.signal.removeEventListener('abort', abort);
      connection.client.removeListener('close', lost);
      end();
    };
    if (options.signal.aborted) return abort();
    options.signal.addEventListener('abort', abort, { once: true });
    connection.client.once('close', lost);
    try {
      connection.client.exec(command, (error, channel) => {
        if (over) return void channel?.close();
        settle(() => (error ? reject(error) : resolve(use(channel))));
      });
    } catch {
      lost();
    }
  });
}
