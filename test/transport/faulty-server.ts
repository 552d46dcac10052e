import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { Connection, ServerChannel } from 'ssh2';
import { hostName, knownHostLine } from '../../src/transport/known-hosts.ts';
import type { Target } from '../../src/transport/types.ts';

export interface Faults {
  /** Called for the n-th TCP connection, counted from 1; true: it goes no further. */
  onSocket?: (socket: Socket, nth: number) => boolean;
  accept?: boolean;
  /** Called at each login instead of an answer. */
  onLogin?: (connection: Connection) => void;
  /** Called when the client has proved itself. */
  onReady?: (connection: Connection) => void;
  /** False: a command is neither begun nor refused. */
  acceptExec?: (nth: number) => boolean;
  /** Called before the marker is sent; true: it is not sent. */
  onExec?: (channel: ServerChannel, marker: string) => boolean;
  /** Called when a script is to be run, the n-th of all, counted from 1; the marker was sent. */
  onScript?: (channel: ServerChannel, connection: Connection, nth: number) => void;
}

/** ssh2 now and then writes an Ed25519 key that it can't read itself. */
export function newKey(): { private: string; public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

/** An SSH server of ssh2 that does what a test tells it to. */
export class FaultyServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'mcpk-faulty-'));
  readonly hostKey = newKey();
  readonly #server: Server;
  readonly #ssh: InstanceType<typeof ssh2.Server>;
  readonly #sockets = new Set<Socket>();
  sockets = 0;
  #scripts = 0;
  /** Users that tried to log in, one for each attempt. */
  readonly logins: string[] = [];

  private constructor(faults: Faults) {
    this.#ssh = new ssh2.Server({ hostKeys: [this.hostKey.private] }, (connection) => this.#serve(connection, faults));
    this.#server = createServer((socket) => {
      this.sockets += 1;
      this.#sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
      if (!faults.onSocket?.(socket, this.sockets)) this.#ssh.injectSocket(socket);
    });
    writeFileSync(join(this.folder, 'id'), newKey().private, { mode: 0o600 });
  }

  static async start(faults: Faults): Promise<FaultyServer> {
    const server = new FaultyServer(faults);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    writeFileSync(
      join(server.folder, 'known_hosts'),
      knownHostLine(hostName('127.0.0.1', server.port), server.publicKey),
    );
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get publicKey(): Buffer {
    return Buffer.from(this.hostKey.public.split(' ')[1] ?? '', 'base64');
  }

  target(more: Partial<Target> = {}): Target {
    return {
      name: 'm1',
      address: '127.0.0.1',
      user: 'root',
      port: this.port,
      identityFiles: [join(this.folder, 'id')],
      agent: false,
      knownHostsFiles: [join(this.folder, 'known_hosts')],
      jump: [],
      become: 'auto',
      connectTimeout: 5,
      acceptNewHostKeys: false,
      ...more,
    };
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.folder, { recursive: true });
  }

  #serve(connection: Connection, faults: Faults): void {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => {
      if (context.method === 'publickey' && context.signature === undefined) this.logins.push(context.username);
      if (faults.onLogin) faults.onLogin(connection);
      else if (context.method === 'publickey' && faults.accept !== false) context.accept();
      else context.reject(['publickey']);
    });
    connection.on('ready', () => {
      if (faults.onReady) faults.onReady(connection);
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          this.#scripts += 1;
          const nth = this.#scripts;
          if (faults.acceptExec?.(nth) === false) return;
          const channel = acceptExec();
          channel.on('error', () => undefined);
          channel.on('data', () => undefined); // or `end` would never come
          channel.on('end', () => {
            channel.exit(0);
            channel.end();
          });
          const marker = `\n${command.split(' ').at(-1)}\n`;
          if (faults.onExec?.(channel, marker)) return;
          channel.write(marker);
          faults.onScript?.(channel, connection, nth);
        });
      });
    });
  }
}
