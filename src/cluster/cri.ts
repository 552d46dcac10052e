import type { Answer, Ask } from './gate.ts';

const SOCKET = '/run/containerd/containerd.sock';
/** How much of the answers is read. The first one ends before that, and together they are longer. */
const ENOUGH = 512;
const REQUESTS = 10;

/**
 * The status of the runtime as kubelet asks for it, by gRPC over containerd's socket. The requests are fixed bytes, as
 * `ctr` and `crictl` need 25 ms of processor to start. The server keeps the connection open, so socat stops by itself
 * after enough bytes: the same question is asked several times, so that there are enough.
 */
export function askRuntimeStatus(host: string): Ask {
  return {
    host,
    argv: ['socat', '-t', '5', '-T', '5', '-', `UNIX-CONNECT:${SOCKET},readbytes=${String(ENOUGH)},shut-none`],
    stdin: requests('/runtime.v1.RuntimeService/Status', Array<Buffer>(REQUESTS).fill(Buffer.alloc(0))).toString(
      'latin1',
    ),
    binary: true,
  };
}

/** Whether the answer to {@link askRuntimeStatus} has the condition RuntimeReady, and has it true. */
export function runtimeIsReady(answer: Answer): boolean | undefined {
  // In a RuntimeCondition field 1 is the type, field 2 the status; protobuf leaves a false one out.
  const condition = /\n\x0cRuntimeReady(\x10\x01)?/.exec(answer.stdout);
  return condition ? condition[1] !== undefined : undefined;
}

/** Seconds after which a pull ends that {@link pullImages} began; the kubelet's own goes on from there. */
const LONGEST_PULL = 300;

/**
 * A command that has containerd pull images as for a kubelet, with its registries, proxies and credentials, and does not
 * wait for it: a transient unit keeps the connection, as containerd stops when it ends.
 */
export function pullImages(images: readonly string[]): string[] {
  const wanted = requests('/runtime.v1.ImageService/PullImage', images.map(pullRequest));
  const data = [`StandardInputData=${wanted.toString('base64')}`, 'StandardInput=data', 'StandardOutput=null'];
  return [
    ...['systemd-run', '--quiet', '--collect', '--no-block', '--description=mcpk pulls images ahead of their pods'],
    ...data.map((property) => `--property=${property}`),
    ...['socat', '-t', String(LONGEST_PULL), '-', `UNIX-CONNECT:${SOCKET},shut-none`],
  ];
}

/** PullImageRequest{image: ImageSpec{image}} of the CRI (k8s.io/cri-api, runtime/v1/api.proto). */
function pullRequest(image: string): Buffer {
  return firstField(firstField(Buffer.from(image)));
}

/** Field 1 of a protobuf message: its tag, its length in groups of seven bits, itself. */
function firstField(value: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = value.length; rest > 0; rest >>= 7) length.push(rest > 127 ? (rest & 127) | 128 : rest);
  return Buffer.concat([Buffer.from([0x0a, ...length]), value]);
}

/** HTTP/2: preface, settings, then each request on a stream of its own. */
function requests(method: string, messages: readonly Buffer[]): Buffer {
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame({ type: SETTINGS, flags: 0, stream: 0 }),
    ...messages.flatMap((message, index) => {
      const stream = 2 * index + 1;
      // A gRPC message: not compressed, its length, itself.
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.length, 1);
      return [
        frame({ type: HEADERS, flags: END_HEADERS, stream }, headOf(method)),
        frame({ type: DATA, flags: END_STREAM, stream }, Buffer.concat([prefix, message])),
      ];
    }),
  ]);
}

const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const END_STREAM = 1;
const END_HEADERS = 4;

function frame(
  { type, flags, stream }: { type: number; flags: number; stream: number },
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Names from HPACK's static table where it has them, values as they are (RFC 7541, without index and Huffman's code). */
function headOf(method: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x86]), // :method POST, :scheme http
    Buffer.from([0x04]),
    text(method), // :path
    Buffer.from([0x01]),
    text('localhost'), // :authority
    Buffer.from([0x0f, 0x10]),
    text('application/grpc'), // content-type
    Buffer.from([0x00]),
    text('te'),
    text('trailers'),
  ]);
}

/** Shorter than 127 bytes. */
function text(value: string): Buffer {
  return Buffer.from([value.length, ...Buffer.from(value)]);
}
