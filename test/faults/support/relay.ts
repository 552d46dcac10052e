/**
 * A long line: forwards TCP connections and holds each piece back for a while, in order. The kernels of the machines
 * that tests run on often have no netem. Prints `ready`; ends with standard input.
 *
 * node relay.ts MILLISECONDS PORT LISTENADDRESS=ADDRESS …, to port 22
 */
import { connect, createServer, type Socket } from 'node:net';

const [delay = '0', listenPort = '', ...ways] = process.argv.slice(2);

function forward(from: Socket, to: Socket): void {
  from.on('data', (piece) => setTimeout(() => to.write(piece), Number(delay)));
  from.on('end', () => setTimeout(() => to.end(), Number(delay)));
  from.on('error', () => to.destroy());
  from.on('close', () => setTimeout(() => to.destroy(), Number(delay) * 2));
}

await Promise.all(
  ways.map((way) => {
    const [near = '', far = ''] = way.split('=');
    const server = createServer((caller) => {
      const called = connect(22, far);
      forward(caller, called);
      forward(called, caller);
    });
    return new Promise<void>((resolve) => server.listen(Number(listenPort), near, resolve));
  }),
);
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
