import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { packageText } from '../../src/core/package-files.ts';

const A = '127.77.0.1';
const B = '127.77.0.2';

/** Raw sockets are root's. */
const root = process.getuid?.() === 0;

/** Runs the real script on "hosts" that are addresses of this one, side by side; what each said. */
async function run(hosts: Record<string, string[]>, seconds = 20): Promise<string[][]> {
  return Promise.all(
    Object.entries(hosts).map(async ([self, lines]) => {
      const child = spawn('perl', ['-e', packageText('src/states/preflight/mesh.pl')], {
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      child.stdin.end([`seconds ${String(seconds)}`, `self ${self}`, ...lines, ''].join('\n'));
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
      expect(stderr).toBe('');
      return stdout.split('\n').filter(Boolean);
    }),
  );
}

/** One that nobody else of this machine is about to use. */
async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Listens, never accepts, and calls itself until its backlog has no room. */
const FULL = `
  socket my $server, AF_INET, SOCK_STREAM, 0;
  bind $server, sockaddr_in($ARGV[1], inet_aton $ARGV[0]) or die;
  listen $server, 0;
  my @callers = map { socket my $caller, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0; $caller } 1 .. 3;
  connect $_, getsockname $server for @callers;
  syswrite STDOUT, "full";
  <STDIN>;
`;

describe('the script that hosts run side by side', () => {
  it('ends long before its time when each has reached the other', async () => {
    const [a, b] = [await freePort(A), await freePort(B)];
    const started = performance.now();
    const said = await run({
      [A]: [`serve tcp ${a} ${B}`, `reach tcp ${b} ${B}`, `serve udp ${a} ${B}`, `reach udp ${b} ${B}`],
      [B]: [`serve tcp ${b} ${A}`, `reach tcp ${a} ${A}`, `serve udp ${b} ${A}`, `reach udp ${a} ${A}`],
    });
    expect(said).toEqual([[`heard udp ${a} ${B}`], [`heard udp ${b} ${A}`]]);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it('tells what was refused, and what nobody answered', async () => {
    const port = await freePort(B);
    expect(await run({ [A]: [`reach tcp ${port} ${B}`, `reach udp ${port} ${B}`] }, 1)).toEqual([
      [`unreached tcp ${port} ${B} connection refused`, `unreached udp ${port} ${B} no answer`],
    ]);
  });

  it('tells what timed out: a server whose queue is full takes nobody, as a firewall that drops', async () => {
    const port = await freePort(B);
    const full = spawn('perl', ['-MSocket=:DEFAULT,SOCK_NONBLOCK', '-e', FULL, B, String(port)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(full.stdout, 'data');
    try {
      expect(await run({ [A]: [`reach tcp ${port} ${B}`] }, 1)).toEqual([[`unreached tcp ${port} ${B} timed out`]]);
    } finally {
      full.stdin.end();
    }
  });

  it('waits for a peer that starts late', async () => {
    const port = await freePort(B);
    const early = run({ [A]: [`reach tcp ${port} ${B}`, `reach udp ${port} ${B}`] });
    const ear = createSocket('udp4').bind(port, B);
    await once(ear, 'message');
    ear.close();
    await once(ear, 'close');
    const late = run({ [B]: [`serve tcp ${port} ${A}`, `serve udp ${port} ${A}`] });
    expect(await Promise.all([early, late])).toEqual([[[]], [[`heard udp ${port} ${A}`]]]);
  });

  it('takes a port in use for one that is served', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, B);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const started = performance.now();
    expect(await run({ [A]: [`reach tcp ${port} ${B}`], [B]: [`serve tcp ${port} ${A}`] })).toEqual([[], []]);
    expect(performance.now() - started).toBeLessThan(15_000);
    server.close();
  });

  it.runIf(root)('hears what the holder of a UDP port is sent, and answers from that port', async () => {
    const holder = createSocket('udp4').bind(0, B);
    await once(holder, 'listening');
    const { port } = holder.address();
    expect(await run({ [A]: [`reach udp ${port} ${B}`], [B]: [`serve udp ${port} ${A}`] })).toEqual([
      [],
      [`heard udp ${port} ${A}`],
    ]);
    holder.close();
  });

  it.runIf(root)('tries protocols without ports', async () => {
    const both = (peer: string): string[] => [`serve ip 112 ${peer}`, `reach ip 112 ${peer}`, `reach ip 4 ${peer}`];
    const said = await run({ [A]: [...both(B), `serve ip 4 ${B}`], [B]: both(A) }, 2);
    expect(said).toEqual([
      [`unreached ip 4 ${B} no answer`, `heard ip 112 ${B}`, `heard ip 4 ${B}`],
      [`heard ip 112 ${A}`],
    ]);
  });
});
