import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Stands before a port, and notes when the client's side says something. */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #longest = 0;

  private constructor(port: number, onLeft: () => void) {
    this.#server = createServer((client) => {
      const host = connect(port, '127.0.0.1');
      let last = performance.now();
      const heard = (): void => {
        const now = performance.now();
        this.#longest = Math.max(this.#longest, now - last);
        last = now;
      };
      client.on('data', heard).once('close', () => {
        heard();
        onLeft();
      });
      for (const [from, to] of [
        [client, host],
        [host, client],
      ] as const) {
        this.#sockets.add(from);
        from.setNoDelay(true).on('error', () => undefined);
        from.once('close', () => to.destroy());
        from.pipe(to);
      }
    });
  }

  /** `onLeft` is called when the client's side hangs up. */
  static async to(port: number, onLeft: () => void): Promise<Relay> {
    const relay = new Relay(port, onLeft);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** ms, up to the connection's end. */
  get longestSilence(): number {
    return this.#longest;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
