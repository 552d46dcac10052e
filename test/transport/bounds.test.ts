import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerChannel } from 'ssh2';
import { afterEach, describe, expect, test } from 'vitest';
import type { McpkError } from '../../src/core/errors.ts';
import { connect } from '../../src/transport/connect.ts';
import { PATIENCE } from '../../src/transport/patience.ts';
import type { ConnectOptions, Session } from '../../src/transport/types.ts';
import { failure } from './failure.ts';
import { FaultyServer } from './faulty-server.ts';
import type { Faults } from './faulty-server.ts';

const MIB = 1024 * 1024;

let server: FaultyServer | undefined;
let session: Session | undefined;
afterEach(async () => {
  await session?.close();
  await server?.stop();
  server = undefined;
  session = undefined;
});

async function opened(faults: Faults, more: Partial<ConnectOptions> = {}): Promise<Session> {
  server = await FaultyServer.start(faults);
  session = await connect(server.target({ connectTimeout: 1 }), {
    signal: new AbortController().signal,
    lock: { kind: 'exclusive', who: 'test' },
    code: {},
    patience: { ...PATIENCE, beatMs: 50, silentMs: 500 },
    ...more,
  });
  return session;
}

/** Says this when the session's script is to be run, and to the first request. */
const says =
  (start: string, answer: string): NonNullable<Faults['onScript']> =>
  (channel) => {
    channel.write(start);
    let asked = false;
    channel.on('data', (chunk: Buffer) => {
      if (asked || !/^request \w+ \d+\n/m.test(chunk.toString('latin1'))) return;
      asked = true;
      channel.write(answer);
    });
  };

const asks: Record<string, (made: Session) => Promise<unknown>> = {
  exec: (made) => made.exec([{ argv: ['true'] }]),
  read: (made) => made.read('/x'),
  probe: (made) => made.request('probe', Buffer.alloc(0), () => undefined),
  lock: (made) => made.lockHolder(),
};

describe('a host is given up, by name, that', () => {
  test.each<[what: string, onScript: NonNullable<Faults['onScript']>, ask: string, message: string | RegExp]>([
    ['says ready and no more', says('ready 0\n', ''), 'exec', 'no sign of life for 1 s while it was asked for exec'],
    ['says nothing at all', says('', ''), 'lock', 'no sign of life for 1 s while it was asked for its lock'],
    ['begins a record and does not end it', says('ready 0\n', 'file 9\nx'), 'read', /no sign of life for 1 s .* cat$/],
    ['tells what it was not asked', says('ready 0\nfile 1\nx', ''), 'read', /^it sent file /],
    ['answers another question', says('ready 0\n', 'file 1\nx'), 'exec', 'it sent file in answer to exec'],
    ['says ready again', says('ready 0\nready 0\n', ''), 'exec', 'it sent ready without being asked for anything'],
    ['ends what was not begun', says('ready 0\ndone 0 0\n', ''), 'lock', /^it sent done without being asked/],
    ['tells more with an end', says('ready 0\n', 'done 0 1\nx'), 'exec', 'it sent more than an end in answer to exec'],
    [
      'announces more than an answer may have',
      says('ready 0\n', `exec 0 0 0 ${17 * MIB}\n`),
      'exec',
      'it answered exec with too much exec: more than 16 MiB in one',
    ],
    [
      'repeats itself',
      says('ready 0\n', 'ports 0\nports 0\n'),
      'probe',
      'it answered probe with too much ports: more than 1 of them',
    ],
    ['answers nothing', says('ready 0\n', 'done 0 0\n'), 'exec', 'no answer from true'],
    ['has a long story about its lock', says(`locked 1 2 ${MIB}\n`, ''), 'lock', /^it sent locked without being asked/],
    [
      'complains without end',
      (channel) => channel.stderr.write(Buffer.alloc(MIB)),
      'exec',
      'it sent more than 64 KiB on standard error',
    ],
  ])('%s', async (_what, onScript, ask, message) => {
    const made = await opened({ onScript });
    if (ask !== 'lock') made.lockHolder().catch(() => undefined);
    const error = await failure((asks[ask] ?? asks['exec']!)(made).then(() => asks['exec']!(made)));
    expect([error.code, error.host]).toEqual(['unreachable', 'm1']);
    expect(error.message.replace(/^m1: /, '')).toMatch(message);
  });

  test('never opens a channel', async () => {
    const error = await failure(opened({ acceptExec: () => false }));
    expect([error.code, error.message]).toEqual(['unreachable', 'm1: logged in, but nothing runs there after 1 s']);
    // The inventory's name is none that ssh knows.
    expect(error.hint).not.toMatch(/ssh \S+@m1/);
  });
});

test('whoever was given up is heard no more: the connection is over', async () => {
  let closed = false;
  const made = await opened({
    onReady: (connection) => connection.on('close', () => (closed = true)),
    onScript: says('ready 0\n', 'file 1\nx'),
  });
  await failure(made.exec([{ argv: ['true'] }]));
  await expect.poll(() => closed).toBe(true);
});

describe('an upload is given up when the host', () => {
  const upload = async (onUpload: (channel: ServerChannel) => void, more: Faults = {}): Promise<McpkError> => {
    const made = await opened({
      onScript: (channel, _connection, nth) => (nth === 1 ? channel.write('ready 0\n') : onUpload(channel)),
      ...more,
    });
    await made.lockHolder();
    const file = join(server!.folder, 'binary');
    writeFileSync(file, Buffer.alloc(8 * MIB));
    return failure(made.upload(file, '/run/x', 'ab'.repeat(32), () => undefined));
  };
  const silent = 'm1: no sign of life for 1 s while it was asked for the upload of /run/x';

  test.each<[what: string, onUpload: (channel: ServerChannel) => void, message: string | RegExp]>([
    ['takes all and answers nothing', () => undefined, silent],
    ['takes nothing', (channel) => channel.pause(), silent],
    [
      'answers parts that it was not sent',
      (channel) => channel.write('part 0\n'.repeat(9)),
      /m1: it sent part in answer/,
    ],
    [
      'answers something else',
      (channel) => channel.write('file 1\nx'),
      'm1: it sent file in answer to the upload of /run/x',
    ],
  ])('%s', async (_what, onUpload, message) => {
    const error = await upload(onUpload);
    expect([error.code, error.host, error.message]).toEqual(['unreachable', 'm1', expect.stringMatching(message)]);
  });

  test('opens no channel for it', async () => {
    const error = await upload(() => undefined, { acceptExec: (nth) => nth === 1 });
    expect(error.message).toBe('m1: logged in, but nothing runs there after 1 s');
  });
});

describe('a download is given up when the host', () => {
  const download = async (onDownload: (channel: ServerChannel) => void): Promise<McpkError> => {
    const made = await opened({
      onScript: (channel, _connection, nth) => (nth === 1 ? channel.write('ready 0\n') : onDownload(channel)),
    });
    await made.lockHolder();
    return failure(made.download({ argv: ['cat', '/x'], most: 2 * MIB, onData: () => undefined }));
  };
  /** Once it is asked for all parts that may be on their way. */
  const sends =
    (...bytes: readonly (Buffer | string)[]) =>
    (channel: ServerChannel): void => {
      let heard = '';
      channel.on('data', (chunk: Buffer) => {
        const before = heard;
        heard += chunk.toString('latin1');
        const all = 'next\n'.repeat(4);
        if (!before.endsWith(all) && heard.endsWith(all))
          channel.write(Buffer.concat(bytes.map((each) => Buffer.from(each))));
      });
    };
  const data = (size: number): Buffer => Buffer.concat([Buffer.from(`data ${String(size)}\n`), Buffer.alloc(size)]);

  test.each<[what: string, onDownload: (channel: ServerChannel) => void, code: string, message: string | RegExp]>([
    [
      'says nothing',
      () => undefined,
      'unreachable',
      'm1: no sign of life for 1 s while it was asked for what cat prints',
    ],
    ['begins a part and does not end it', sends('data 9\nx'), 'unreachable', /no sign of life/],
    [
      'sends parts that it was not asked for',
      sends(...Array.from({ length: 5 }, () => data(1))),
      'unreachable',
      'm1: it sent data in answer to what cat prints',
    ],
    ['announces a part that is too large', sends(`data ${String(MIB + 1)}\n`), 'unreachable', /too much data/],
    [
      'prints more than was agreed',
      sends(data(MIB), data(MIB), data(1)),
      'unreachable',
      'm1: it answered what cat prints with too much data: more than was agreed',
    ],
    ['answers something else', sends('file 1\nx'), 'unreachable', /^m1: it sent file in answer/],
  ])('%s', async (_what, onDownload, code, message) => {
    const error = await download(onDownload);
    expect([error.code, error.host, error.message]).toEqual([code, 'm1', expect.stringMatching(message)]);
  });
});
