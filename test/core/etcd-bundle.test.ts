import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { beforeEach, describe, expect, it } from 'vitest';
import { encryptTo } from '../../src/core/age.ts';
import { bundleName, BundleWriter, describeKeys, readBundle, type EtcdBundle } from '../../src/core/etcd-bundle.ts';
import { encryptionKeys } from '../../src/core/encryption-keys.ts';
import { fillFile } from '../../src/core/private-file.ts';

const AT = new Date('2026-11-28T17:43:05.123Z');
const SNAPSHOT = randomBytes(3 * 1024 * 1024 + 32);
const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

const BUNDLE: EtcdBundle = {
  apiVersion: 'mcpk/v1',
  kind: 'EtcdBundle',
  cluster: 'lab',
  clusterId: '14841639068965178418',
  createdAt: AT.toISOString(),
  member: 'm2',
  versions: { etcd: '3.7.3', kubernetes: '1.37.1' },
  revision: 485261,
  totalKeys: 11642,
  databaseBytes: SNAPSHOT.length - 32,
  sha256: sha256(SNAPSHOT),
  encryptionKeys: ['key-2026-11-20'],
  serviceAccountKeys: ['ab'.repeat(32)],
  keys: 'plain',
};

let file = '';
beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'mcpk-bundle-')), bundleName('lab', AT));
});

async function write(bundle: EtcdBundle = BUNDLE, keys?: Buffer): Promise<void> {
  await fillFile(file, async (handle) => {
    const writer = new BundleWriter(handle, AT);
    if (bundle.keys !== 'none') await writer.keys(keys ?? Buffer.from('{"a":"b"}'), bundle.keys);
    for (let at = 0; at < SNAPSHOT.length; at += 1_000_000) await writer.piece(SNAPSHOT.subarray(at, at + 1_000_000));
    await writer.finish(bundle);
  });
}

it('its name has the cluster and when it was made, in UTC', () => {
  expect(bundleName('lab', AT)).toBe('lab-20261128T174305Z.mcpk-etcd.tar');
});

it.each(['plain', 'age', 'none'] as const)('tar reads it, and so do we: keys %s', async (keys) => {
  await write({ ...BUNDLE, keys });
  const names = [
    'bundle.json',
    ...(keys === 'none' ? [] : [keys === 'age' ? 'keys.json.age' : 'keys.json']),
    'snapshot.db',
  ];
  expect(execFileSync('tar', ['-tf', file], { encoding: 'utf8' }).trim().split('\n')).toEqual(names);
  const options = { maxBuffer: 2 * SNAPSHOT.length };
  expect(sha256(execFileSync('tar', ['-xOf', file, 'snapshot.db'], options))).toBe(BUNDLE.sha256);
  expect(JSON.parse(execFileSync('tar', ['-xOf', file, 'bundle.json'], { encoding: 'utf8' }))).toEqual({
    ...BUNDLE,
    keys,
  });
  const opened = await readBundle(file);
  expect(opened.bundle).toEqual({ ...BUNDLE, keys });
  expect(opened.keys?.toString()).toBe(keys === 'none' ? undefined : '{"a":"b"}');
  const { position, size } = opened.snapshot;
  expect((await readFile(file)).subarray(position, position + size).equals(SNAPSHOT)).toBe(true);
});

it('one that GNU tar wrote is read too, as the hosts make theirs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-tar-'));
  await writeFile(join(folder, 'bundle.json'), JSON.stringify(BUNDLE));
  await writeFile(join(folder, 'keys.json'), '{}');
  await writeFile(join(folder, 'snapshot.db'), SNAPSHOT);
  execFileSync('tar', ['--format=ustar', '-cf', file, '-C', folder, 'bundle.json', 'keys.json', 'snapshot.db']);
  expect((await readBundle(file)).bundle).toEqual(BUNDLE);
});

describe('what is not as it was made is told (16)', () => {
  const flip = async (at: number): Promise<void> => {
    const handle = await open(file, 'r+');
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    await handle.write(Buffer.from([byte.readUInt8(0) ^ 1]), 0, 1, at);
    await handle.close();
  };
  it.each<[string, () => Promise<void>]>([
    ['a byte of the snapshot', async () => flip((await readBundle(file)).snapshot.position + 1_234_567)],
    ['its last byte', async () => flip((await readBundle(file)).snapshot.position + SNAPSHOT.length - 1)],
    ['a byte of a header', () => flip(130)],
    ['the end is missing', () => truncate(file, 2_000_000)],
    ['another file', () => writeFile(file, 'x'.repeat(2000))],
    ['nothing', () => writeFile(file, '')],
  ])('%s', async (_what, spoil) => {
    await write();
    await spoil();
    await expect(readBundle(file)).rejects.toMatchObject({ code: 'gate' });
  });
});

it.each<[string, object]>([
  ['no versions', { versions: undefined }],
  ['a list as versions', { versions: ['3.7.3'] }],
  ['no number of keys', { totalKeys: '11642' }],
  ['a revision below 0', { revision: -1 }],
  ['a revision past what is counted', { revision: 1e300 }],
  ['one name as the keys', { encryptionKeys: 'key-2026-11-20' }],
  ['numbers as sums', { serviceAccountKeys: [1] }],
  ['a map as its cluster', { cluster: { name: 'lab' } }],
])('what says too little of itself is no bundle (16): %s', async (_what, over) => {
  await write({ ...BUNDLE, ...over });
  await expect(readBundle(file)).rejects.toMatchObject({ code: 'gate' });
});

it('what is no file is not read (64)', async () => {
  execFileSync('mkfifo', [file]);
  for (const path of [file, tmpdir(), `${file}.none`])
    await expect(readBundle(path)).rejects.toMatchObject({ code: 'usage' });
});

it('aliases in a file of keys do not multiply', () => {
  const many = (alias: string): string => Array.from({ length: 3000 }, () => `- ${alias}\n`).join('');
  const text = [
    'k: &k {name: a, secret: b}\n',
    `keys: &keys\n${many('*k')}p: &p {aescbc: {keys: *keys}}\n`,
    `providers: &providers\n${many('*p')}r: &r {providers: *providers}\n`,
    `resources:\n${many('{providers: *providers}')}`,
  ].join('');
  expect(encryptionKeys(text)).toEqual([{ name: 'a', secret: 'b' }]);
});

it('keys are described by their names and public halves', () => {
  const pairs = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
  const provider = (name: string): string => `{secretbox: {keys: [{name: ${name}, secret: c2VjcmV0}]}}`;
  const described = describeKeys({
    'encryption.yaml': `resources: [{resources: [secrets], providers: [${provider('b')}, ${provider('a')}, {identity: {}}]}]`,
    'service-account.key': 'secret',
    'service-account.pub': pairs.map((key) => key.export({ type: 'spki', format: 'pem' })).join(''),
  });
  expect(described).toEqual({
    encryptionKeys: ['b', 'a'],
    serviceAccountKeys: pairs.map((key) => sha256(key.export({ type: 'spki', format: 'der' }) as Buffer)),
  });
});

it('what is encrypted is read by the recipient alone; what is none is named (64)', async () => {
  const identity = await generateIdentity();
  const bytes = await encryptTo([await identityToRecipient(identity)], 'keys');
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  expect(await decrypter.decrypt(bytes, 'text')).toBe('keys');
  await expect(encryptTo(['age1nonsense'], 'keys')).rejects.toMatchObject({ code: 'usage' });
});

it('a full disk is said, and nothing is left there', async () => {
  await expect(
    fillFile(file, () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOSPC' }))),
  ).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('no space is left') as string });
  await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
});
