import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { askRuntimeStatus, pullImages, runtimeIsReady } from '../../src/cluster/cri.ts';
import type { Answer } from '../../src/cluster/gate.ts';
import { runtimeAnswers } from '../../src/cluster/runtime.ts';

/** StatusResponse{status{conditions}}; a false status is left out, as protobuf does. */
function response(conditions: readonly [type: string, status: boolean][]): Buffer {
  const field = (tag: number, bytes: Buffer): Buffer => Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  const all = conditions.map(([type, status]) =>
    field(0x0a, Buffer.concat([field(0x0a, Buffer.from(type)), Buffer.from(status ? [0x10, 1] : [])])),
  );
  const message = field(0x0a, Buffer.concat(all));
  return Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
}

type Serve = (stream: ServerHttp2Stream, path: string) => void;
const answer =
  (...conditions: [string, boolean][]): Serve =>
  (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(response(conditions));
  };
const unimplemented: Serve = (stream) => {
  const message = 'unknown service runtime.v1.RuntimeService';
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12', 'grpc-message': message });
  stream.end();
};

/** What the first bytes of a real HTTP/2 server are, as many as the ask takes; fewer when it says no more. */
async function said(serve: Serve): Promise<{ answer: Answer; paths: Set<string>; whole: boolean }> {
  const ask = askRuntimeStatus('w1');
  const enough = Number(/readbytes=(\d+)/.exec(ask.argv.at(-1) ?? '')?.[1]);
  const paths = new Set<string>();
  const server = createServer();
  server.on('stream', (stream, headers) => {
    paths.add(`${String(headers[':method'])} ${String(headers[':path'])} ${String(headers['content-type'])}`);
    stream.resume().once('end', () => serve(stream, String(headers[':path'])));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.end(Buffer.from(ask.stdin ?? '', 'latin1'));
  const bytes: Buffer[] = [];
  const length = (): number => bytes.reduce((sum, each) => sum + each.length, 0);
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      bytes.push(chunk);
      if (length() >= enough) resolve();
    });
    socket.on('close', () => resolve());
  });
  socket.destroy();
  server.close();
  const stdout = Buffer.concat(bytes).subarray(0, enough).toString('latin1');
  return { answer: { host: 'w1', exitCode: 0, stdout, stderr: '' }, paths, whole: length() >= enough };
}

describe('the runtime, asked as kubelet asks it', () => {
  it.each<[string, Serve, boolean | undefined]>([
    ['ready', answer(['RuntimeReady', true], ['NetworkReady', true]), true],
    ['ready without a network', answer(['RuntimeReady', true], ['NetworkReady', false]), true],
    ['not ready', answer(['RuntimeReady', false], ['NetworkReady', true]), false],
    ['containerd without its CRI plugin', unimplemented, undefined],
  ])('%s', async (_name, serve, ready) => {
    const seen = await said(serve);
    expect([...seen.paths]).toEqual(['POST /runtime.v1.RuntimeService/Status application/grpc']);
    expect(runtimeIsReady(seen.answer)).toBe(ready);
    // Otherwise a host that is well would be waited for until socat loses its patience.
    if (ready !== undefined) expect(seen.whole).toBe(true);
  });

  it.each<[string, Partial<Answer>, string | undefined]>([
    ['holds when it is ready', { stdout: '\0\n\x0cRuntimeReady\x10\x01\x12' }, undefined],
    [
      'says that it is not',
      { stdout: '\0\n\x0cRuntimeReady\n\x0cNetworkReady' },
      "containerd's CRI plugin is not ready",
    ],
    ['says what is missing', { stdout: '\0\0\x18\x04' }, 'containerd runs without its CRI plugin'],
    ['says why nothing came', { exitCode: 1, stderr: 'x\nrefused\n' }, 'containerd does not answer: refused'],
  ])('the gate %s', (_name, given, problem) => {
    expect(runtimeAnswers('w1').check([{ host: 'w1', exitCode: 0, stdout: '', stderr: '', ...given }])).toBe(problem);
  });
});

/** A message of protobuf: the bytes of its field 1, if that is all it has. */
function firstField(message: Buffer): Buffer {
  const [tag, low = 0, high = 0] = message;
  const [length, start] = low < 128 ? [low, 2] : [(high << 7) | (low & 127), 3];
  if (tag !== 0x0a || message.length !== start + length) throw new Error(`not one field: ${message.toString('hex')}`);
  return message.subarray(start);
}

describe('images, pulled ahead of their pods', () => {
  const images = ['registry.k8s.io/pause:3.10.1', `registry.example.org/${'long/'.repeat(40)}node:v3.32.2`];

  it('are asked of the runtime as kubelet asks for them, all at once', async () => {
    const asked: { path: string; image: string }[] = [];
    const server = createServer();
    const all = new Promise<void>((resolve) => {
      server.on('stream', (stream, headers) => {
        const bytes: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => bytes.push(chunk));
        // None is answered: the second one does not wait for the first.
        stream.once('end', () => {
          const body = Buffer.concat(bytes);
          expect([body[0], body.readUInt32BE(1)]).toEqual([0, body.length - 5]);
          const image = firstField(firstField(body.subarray(5))).toString();
          asked.push({ path: `${String(headers[':method'])} ${String(headers[':path'])}`, image });
          if (asked.length === images.length) resolve();
        });
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const [, data = ''] = /StandardInputData=(\S+)/.exec(pullImages(images).join(' ')) ?? [];
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(Buffer.from(data, 'base64'));
    await all;
    socket.destroy();
    server.close();
    expect(asked).toEqual(images.map((image) => ({ path: 'POST /runtime.v1.ImageService/PullImage', image })));
  });

  it('are pulled by a unit that is not waited for, and that ends', () => {
    const argv = pullImages(images);
    expect(argv.slice(0, argv.indexOf('socat'))).toEqual(
      expect.arrayContaining(['systemd-run', '--no-block', '--collect', '--property=StandardInput=data']),
    );
    // After five minutes, whatever containerd does; until then the end of what is said to it does not end it.
    expect(argv.slice(argv.indexOf('socat'))).toEqual([
      'socat',
      '-t',
      '300',
      '-',
      'UNIX-CONNECT:/run/containerd/containerd.sock,shut-none',
    ]);
  });
});
