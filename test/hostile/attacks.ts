import type { Socket } from 'node:net';
import type { Connection, ServerChannel } from 'ssh2';
import { RECORD_LIMITS } from '../../src/transport/record-limits.ts';

/** Without it there are no binaries for the host, which ends a plan before it begins. */
const ARCH = `arch=${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}\n`;
const PLAN = ['plan', '--skip', 'preflight'];

/** Kind of record → its bytes. */
export type Records = ReadonlyMap<string, Buffer>;

/** How a host misbehaves; in all else it answers as an honest one. What returns true has taken over. */
export interface Attack {
  /** The command that meets it. */
  command?: readonly string[];
  /** How the run may end; by default 11 or 15. */
  ends?: readonly number[];
  /** Most of the run is waiting. */
  waits?: true;
  /** What the operator is told, beside the host's name. */
  says?: RegExp;
  onSocket?: (socket: Socket) => boolean;
  /** Nothing is answered to a login. */
  onLogin?: 'silence';
  onReady?: (connection: Connection) => void;
  onStart?: (channel: ServerChannel) => boolean;
  /** In place of `ready`. */
  greeting?: string;
  onRequest?: (channel: ServerChannel, op: string) => boolean;
  /** In place of these records of an honest answer to the question for facts. */
  facts?: () => Records;
  /** The same, of one to a reading for a plan. */
  reads?: () => Records;
  /** Standard output of each command; it ends with 1. */
  exec?: () => Buffer;
}

/** As fast as it is taken, without end. */
function endless(stream: NodeJS.WritableStream, bytes: Buffer): true {
  const more = (): void => {
    while (stream.write(bytes));
    stream.once('drain', more);
  };
  more();
  return true;
}

/** One piece again and again, up to the largest size of that kind. */
function full(kind: string, piece: string): Buffer {
  return Buffer.alloc(RECORD_LIMITS.get(kind)?.bytes ?? 0, piece);
}

const record = (kind: string, piece: string, head = ''): Records => {
  const bytes = full(kind, piece);
  bytes.write(head, 'latin1');
  return new Map([[kind, bytes]]);
};
const text = (path: string, piece: string, head = ''): Records =>
  record('texts', piece, `==> ./proc/meminfo <==\nMemTotal: 8000000 kB\n\n==> .${path} <==\n${head}`);

export const ATTACKS: Readonly<Record<string, Attack>> = {
  // Sessions
  'a port that says nothing': { waits: true, onSocket: () => true },
  'a banner without end': { onSocket: (socket) => endless(socket, Buffer.from('hello\r\n'.repeat(1000))) },
  'a login that is not answered': { waits: true, onLogin: 'silence' },
  'silence in place of a shell': { waits: true, onStart: () => true },
  'a profile that prints without end': {
    waits: true,
    onStart: (channel) => endless(channel, Buffer.alloc(32_768, 'hi\n')),
  },
  'silence at the start': { waits: true, greeting: '', says: /no sign of life for 30 s/ },
  'ready, and no more': { waits: true, onRequest: () => true, says: /no sign of life for 30 s/ },
  'standard error without end': { onStart: (channel) => endless(channel.stderr, Buffer.alloc(32_768, 'oh\n')) },
  'ready without end': { onStart: () => false, greeting: 'ready 0\n'.repeat(100_000) },
  'the end of nothing': { greeting: 'ready 0\ndone 0 0\n' },
  'questions without end, and no answer taken': {
    onReady: (connection) => {
      const { _sock: socket, _protocol: protocol } = connection as unknown as {
        _sock: Socket;
        _protocol: { ping(): void };
      };
      socket.pause();
      const ask = (): void => {
        for (let count = 0; count < 1000; count += 1) protocol.ping();
        if (socket.writableLength > 1e6) socket.once('drain', ask);
        else setImmediate(ask);
      };
      ask();
    },
  },
  // Records
  'records without end': {
    onRequest: (channel) => endless(channel, Buffer.from('ports 30\n'.padEnd(39).repeat(1000))),
    says: /more than/,
  },
  'answers to commands without end': {
    command: ['exec', '--', 'true'],
    onRequest: (channel, op) => op === 'exec' && endless(channel, Buffer.from('exec 0 0 0 0\n'.repeat(1000))),
    says: /more than/,
  },
  'events without end': {
    onRequest: (channel) => endless(channel, Buffer.from('event 1 - changed 1 0\n'.repeat(1000))),
  },
  'a record of a terabyte': { onRequest: (channel) => channel.write('texts 1099511627776\n') || true },
  'a line without an end': { onRequest: (channel) => endless(channel, Buffer.alloc(32_768, 'x')) },
  'a record in pieces of a byte': {
    onRequest: (channel) => {
      const bytes = full('texts', 'x');
      channel.write(`texts ${String(bytes.length)}\n`);
      let at = 0;
      const more = (): void => {
        const until = Math.min(at + 2000, bytes.length);
        while (at < until) if (!channel.write(bytes.subarray(at, ++at))) break;
        if (at < bytes.length && at < 30_000) setImmediate(more);
        else channel.write(bytes.subarray(at));
        if (at >= 30_000) channel.write('done 0 0\n');
      };
      more();
      return true;
    },
  },
  // What decoders of facts are given at worst
  ...attacksByFacts(),
  // What decoders of answers are given at worst
  ...attacksByCommands(),
  // What decoders of a plan's reading are given at worst
  ...attacksByReads(),
};

/** Facts that are believed: then it is the reading for the plan that makes no sense. */
function attacksByFacts(): Record<string, Attack> {
  const facts: Record<string, () => Records> = {
    'a word of a megabyte for an interface': () => record('network', 'x', '1: '),
    'interfaces without number': () => record('network', '1: a inet 1.2.3.4/8 x\n'),
    'an interface named __proto__': () => record('network', '1: __proto__    inet 1.2.3.4/8 x\n'),
    'a line of blanks for an interface': () => record('network', ' ', '1:'),
    'one fact again and again': () => record('facts', 'cni=\n', ARCH),
    'processors without number': () => record('facts', '0-1,', `${ARCH}cpus=`),
    'ports without number': () => record('ports', 'LISTEN 0 0 x:1 \n'),
    'a port of a megabyte': () => record('ports', ':', 'LISTEN 0 0 '),
    'texts without number': () => record('texts', '==> ./a <==\n'),
    'memory without number': () => text('/proc/meminfo', 'MemTotal:\n'),
    'an os-release of quotes': () => text('/etc/os-release', '"', 'ID="'),
    'an owned.json of empty things': () => text('/var/lib/mcpk/owned.json', '{},', '{"version":1,"entries":['),
    'an owned.json of brackets': () => text('/var/lib/mcpk/owned.json', '['),
  };
  return Object.fromEntries(
    Object.entries(facts).map(([name, each]) => [
      `facts: ${name}`,
      // A damaged owned.json is refused, as what it says is owned would be left behind.
      { command: PLAN, facts: each, ends: name.includes('owned.json') ? [11, 18] : [11] },
    ]),
  );
}

/** Standard output of a command at its full size. */
function attacksByCommands(): Record<string, Attack> {
  const pieces = {
    'titles of a terminal that do not end': '\u001b]',
    blanks: ' ',
    'empty lines': '\n',
    colours: '\u001b[31m',
    'lines of a journal': '1 r begin a b\n',
    'escapes of a journal': '1 r begin %\n',
    locks: '1: FLOCK  ADVISORY  WRITE 1 0:1:1 0 EOF\n',
  };
  const both = { exec: ['exec', '--', 'true'], history: ['history', '--all'] };
  return Object.fromEntries(
    Object.entries(both).flatMap(([name, command]) =>
      Object.entries(pieces)
        .filter((_, index) => (name === 'exec') === index < 4)
        .map(([what, piece]) => [
          `${name}: ${what}`,
          { command, exec: () => full('exec', piece), ends: name === 'exec' ? [11, 15] : [0, 11, 15] },
        ]),
    ),
  );
}

/** Each kind of record at its full size, and with the name of a prototype. */
function attacksByReads(): Record<string, Attack> {
  const us = '\u001f';
  const pieces: Record<string, string> = {
    paths: `${us}.__proto__${us}81a4${us}644${us}a${us}a${us}1${us}1.1${us}.${us}\n`,
    texts: '==> ./__proto__ <==\n',
    certificates: '\n==> ./__proto__ <==\n-----BEGIN CERTIFICATE-----\n',
    listings: `.__proto__${us}a${us}${us}`,
    units: 'Id=__proto__\nDropInPaths= \n\n',
    packages: '__proto__ hold installed 1\n',
    modules: '__proto__ 1\n',
    users: '__proto__:x:0:0::/:/\n',
    groups: '__proto__:x:0:\n',
    commands: '__proto__ 0\n',
    binaries: `${'0'.repeat(64)}  .__proto__\n`,
    stamps: '__proto__ a b c\n',
  };
  return Object.fromEntries(
    Object.entries(pieces).map(([kind, piece]) => [
      `plan: ${kind}`,
      { command: PLAN, reads: () => record(kind, piece) },
    ]),
  );
}
