import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ArrivingSnapshot, snapshotFailure } from '../../src/cluster/etcd-snapshot.ts';
import { BundleWriter, readBundle, type EtcdBundle } from '../../src/core/etcd-bundle.ts';
import { fillFile } from '../../src/core/private-file.ts';

type Told = Awaited<ReturnType<ArrivingSnapshot['end']>>;

const ABOUT: Omit<EtcdBundle, keyof Told> = {
  apiVersion: 'mcpk/v1',
  kind: 'EtcdBundle',
  cluster: 'lab',
  clusterId: '1',
  createdAt: '2026-11-28T17:43:00Z',
  member: 'm1',
  versions: { etcd: '3.7.1', kubernetes: '1.37.1' },
  encryptionKeys: [],
  serviceAccountKeys: [],
  keys: 'none',
};

const DATA = randomBytes(512 * 8);
const SNAPSHOT = Buffer.concat([DATA, createHash('sha256').update(DATA).digest()]);
const STATUS = '{"hash":1,"revision":485261,"totalKey":11642,"totalSize":4096,"version":"3.7.0"}';
const about = (text: string): Buffer => Buffer.from(text.padEnd(512));
const SENT = Buffer.concat([SNAPSHOT, about(STATUS)]);

/** Takes it in pieces of that size; gives the file and what is said of it. */
async function arrive(sent: Buffer, piece: number): Promise<{ file: string; told: Told }> {
  const file = join(await mkdtemp(join(tmpdir(), 'mcpk-arriving-')), 'x.tar');
  const told = await fillFile(file, async (handle) => {
    const writer = new BundleWriter(handle, new Date());
    const arriving = new ArrivingSnapshot('m2', writer);
    for (let at = 0; at < sent.length; at += piece) await arriving.take(sent.subarray(at, at + piece));
    const ended = await arriving.end();
    await writer.finish({ ...ABOUT, ...ended });
    return ended;
  });
  return { file, told };
}

it.each([1, 7, 31, 512, 544, 4_127, 1_000_000])(
  'a snapshot in pieces of %i bytes is the one that etcd wrote',
  async (piece) => {
    const { file, told } = await arrive(SENT, piece);
    const sha256 = createHash('sha256').update(SNAPSHOT).digest('hex');
    expect(told).toEqual({ revision: 485261, totalKeys: 11642, databaseBytes: 4096, sha256 });
    expect((await readBundle(file)).snapshot.size).toBe(SNAPSHOT.length);
  },
);

describe('what is no snapshot, or not the one that etcd wrote, is told (16)', () => {
  const flipped = (at: number): Buffer => {
    const copy = Buffer.from(SENT);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  it.each<[string, Buffer]>([
    ['a byte of the data', flipped(2000)],
    ['a byte of its sum', flipped(SNAPSHOT.length)],
    ['a part is missing', Buffer.concat([SNAPSHOT.subarray(0, 3000), about(STATUS)])],
    ['its end is missing', SENT.subarray(0, 3000)],
    ['nothing', Buffer.alloc(0)],
    ['less than a sum', Buffer.from('hello\n')],
    ['no sum', Buffer.concat([DATA, about(STATUS)])],
    ['more than there should be', Buffer.concat([SENT, Buffer.alloc(10_000)])],
    ['nothing about it', SNAPSHOT],
    ['nonsense about it', Buffer.concat([SNAPSHOT, about('{"revision":-1}')])],
  ])('%s', async (_what, sent) => {
    await expect(arrive(sent, 4096)).rejects.toMatchObject({ code: 'gate', host: 'm2' });
  });
});

it.each([
  [3, 'preflight'],
  [4, 'gate'],
  [1, 'stage'],
  [143, 'stage'],
])('the script that ends with %i is %s', (exitCode, code) => {
  expect(snapshotFailure('m2', { exitCode, stderr: 'a\nlast words\n' })).toMatchObject({
    code,
    host: 'm2',
    details: ['a', 'last words'],
  });
});
