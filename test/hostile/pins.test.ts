import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactIndex } from '../../src/states/stage.ts';
import { eachUpstream } from '../artifacts/each-upstream.ts';
import {
  clusterWith,
  openWithPins,
  program,
  sha256,
  startUpstream,
  stock,
  sums,
  type Upstream,
  URLS,
} from '../artifacts/upstream.ts';

const KUBELET = 'kubernetes/1.37.1/linux-amd64/kubelet';
const ETCD = 'etcd/3.7.3/linux-amd64/etcd-v3.7.3-linux-amd64.tar.gz';

let upstream: Upstream;
let folder: string;
let directory: string;
let inventory: string;
let lock: string;

eachUpstream((fresh) => {
  ({ upstream, folder, directory } = fresh);
  inventory = join(folder, 'lab.yaml');
  lock = `${inventory}.lock`;
  writeFileSync(inventory, '');
});

interface Settings {
  files?: string[];
  sha256?: Record<string, string>;
  update?: boolean;
  download?: boolean;
}
const opening = ({ files = [inventory], sha256: pinned = {}, update = false, download = true }: Settings = {}) =>
  openWithPins(clusterWith(directory, upstream.url, download, { files, sha256: pinned }), { update });
const locked = (): Record<string, string> =>
  (JSON.parse(readFileSync(lock, 'utf8')) as { sha256: Record<string, string> }).sha256;
/** Upstream changes its mind about a release: file and checksum fit, but are not what they were. */
function republish(): Buffer {
  const other = Buffer.from('another kubelet');
  upstream.files.set(URLS.kubelet, other);
  upstream.files.set(`${URLS.kubelet}.sha256`, Buffer.from(sha256(other)));
  return other;
}

describe('the lock file', () => {
  it('is written by the first fetch, sorted, with all that was fetched and unpacked', async () => {
    await opening();
    const keys = Object.keys(locked());
    expect(keys).toEqual(keys.toSorted());
    expect(locked()).toMatchObject({
      [KUBELET]: sha256(program('kubelet')),
      [ETCD]: sha256(upstream.files.get(URLS.etcd) ?? ''),
      'etcd/3.7.3/linux-amd64/etcd': sha256(program('etcd')),
      'cni-plugins/1.9.1/linux-amd64/bridge': sha256(program('bridge')),
    });
  });

  it('stays as it is, to the byte, when nothing is new', async () => {
    await opening();
    const before = readFileSync(lock, 'utf8');
    await opening();
    rmSync(directory, { recursive: true });
    await opening();
    expect(readFileSync(lock, 'utf8')).toBe(before);
  });

  it('decides in place of upstream, whose checksum is not even asked for', async () => {
    await opening();
    rmSync(directory, { recursive: true });
    republish();
    upstream.requests.length = 0;
    await expect(opening()).rejects.toMatchObject({
      code: 'fetch',
      message: `${upstream.url}${URLS.kubelet}: wrong checksum`,
      details: [
        `expected sha256 ${sha256(program('kubelet'))} (${lock})`,
        `actual   sha256 ${sha256('another kubelet')}`,
      ],
      hint: expect.stringContaining('--update-lock') as string,
    });
    expect(upstream.requests).not.toContain(`${URLS.kubelet}.sha256`);
    expect(locked()[KUBELET]).toBe(sha256(program('kubelet')));
  });

  it('takes what is there now when it is told to', async () => {
    await opening();
    rmSync(directory, { recursive: true });
    const other = republish();
    await opening({ update: true });
    expect(locked()[KUBELET]).toBe(sha256(other));
    await opening();
  });

  it('holds what lies in the folder, whoever put it there', async () => {
    await opening();
    rmSync(directory, { recursive: true });
    stock(directory);
    writeFileSync(join(directory, KUBELET), 'built by hand');
    writeFileSync(join(directory, KUBELET, '../SHA256SUMS'), `${sha256('built by hand')}  kubelet\n`);
    await expect(opening()).rejects.toMatchObject({
      code: 'fetch',
      message: `${join(directory, KUBELET)}: wrong checksum`,
      details: [expect.stringContaining(lock), `actual   sha256 ${sha256('built by hand')}`],
    });
  });

  it('is not written for a folder that was filled by hand, unless it is asked for', async () => {
    stock(directory);
    await opening();
    expect(existsSync(lock)).toBe(false);
    await opening({ update: true });
    expect(locked()).toMatchObject({ [KUBELET]: sha256(program('kubelet')) });
  });

  it('names also what was there already, once there is one', async () => {
    stock(directory);
    writeFileSync(lock, JSON.stringify({ version: 1, sha256: {} }));
    await opening();
    expect(locked()).toMatchObject({ [KUBELET]: sha256(program('kubelet')) });
  });

  it('keeps what is of other versions', async () => {
    const old = { 'kubernetes/1.36.0/linux-amd64/kubelet': '1'.repeat(64) };
    writeFileSync(lock, JSON.stringify({ version: 1, sha256: old }));
    await opening({ update: true });
    expect(locked()).toMatchObject({ ...old, [KUBELET]: sha256(program('kubelet')) });
  });

  it('says what was fetched before a failure', async () => {
    upstream.files.delete(URLS.etcd);
    await expect(opening()).rejects.toMatchObject({ code: 'fetch' });
    expect(locked()[KUBELET]).toBe(sha256(program('kubelet')));
  });

  it('lies beside the first inventory that is a file', async () => {
    const second = join(folder, 'over.yaml');
    writeFileSync(second, '');
    await opening({ files: ['/dev/null', inventory, second] });
    expect(existsSync(lock)).toBe(true);
    expect(existsSync(`${second}.lock`)).toBe(false);
  });

  it('that cannot be written ends the run before anything is fetched', async () => {
    await expect(opening({ files: ['/proc/version'] })).rejects.toMatchObject({
      code: 'invalid',
      exitCode: 10,
      message: expect.stringMatching(/^\/proc\/version\.lock cannot be written \(E\w+\)/) as string,
      hint: expect.stringContaining('artifacts.sha256') as string,
    });
    expect(upstream.requests).toEqual([]);
  });

  it.each<[string, () => void, RegExp]>([
    ['is a link', () => symlinkSync('/etc/passwd', lock), /lab\.yaml\.lock is a link/],
    ['is no JSON', () => writeFileSync(lock, '<<<<<<< HEAD\n'), /is no JSON/],
    ['is of a later version', () => writeFileSync(lock, '{"version":2,"sha256":{}}'), /not of version 1/],
    ['is null', () => writeFileSync(lock, 'null'), /not of version 1/],
    ['has no sums', () => writeFileSync(lock, '{"version":1}'), /has no "sha256"/],
    ['is a folder', () => mkdirSync(lock), /lab\.yaml\.lock is no regular file/],
    ['is a pipe', () => void execFileSync('mkfifo', [lock]), /lab\.yaml\.lock is no regular file/],
    [
      'has a key without end',
      () => writeFileSync(lock, JSON.stringify({ version: 1, sha256: { ['x'.repeat(100_000)]: 'b' } })),
      /^.{0,300}no sha256 of "x+…" /,
    ],
    ['has another word for a sum', () => writeFileSync(lock, '{"version":1,"sha256":{"a":"b"}}'), /no sha256 of "a"/],
  ])('is refused when it %s', async (_what, make, message) => {
    make();
    await expect(opening()).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(message) as string,
    });
    expect(upstream.requests).toEqual([]);
  });
});

it.each([false, true])(
  'a lock file that is none is left as it is, and the way out is about it (update: %s)',
  async (update) => {
    execFileSync('mkfifo', [lock]);
    await expect(opening({ update })).rejects.toMatchObject({
      code: 'invalid',
      hint: expect.not.stringContaining('artifacts.directory') as string,
    });
    expect(lstatSync(lock).isFIFO()).toBe(true);
  },
);

describe('artifacts.sha256', () => {
  it('decides in place of upstream and of the lock file, and is not repeated there', async () => {
    const other = republish();
    writeFileSync(lock, JSON.stringify({ version: 1, sha256: { [KUBELET]: '1'.repeat(64) } }));
    // Capitals are the same sum.
    await opening({ sha256: { [KUBELET]: sha256(other).toUpperCase() } });
    expect(locked()[KUBELET]).toBe('1'.repeat(64));
  });

  it.each([
    ['a file', KUBELET, URLS.kubelet],
    ['an archive', ETCD, URLS.etcd],
  ])('refuses %s that is not the pinned one, also with --update-lock', async (_what, key, url) => {
    await expect(opening({ sha256: { [key]: '0'.repeat(64) }, update: true })).rejects.toMatchObject({
      code: 'fetch',
      message: `${upstream.url}${url}: wrong checksum`,
      details: [`expected sha256 ${'0'.repeat(64)} (artifacts.sha256)`, expect.stringContaining('actual')],
      hint: expect.stringContaining('artifacts.sha256') as string,
    });
    expect(existsSync(join(directory, key))).toBe(false);
  });

  it('refuses an unpacked program that is not the pinned one', async () => {
    const key = 'etcd/3.7.3/linux-amd64/etcdctl';
    await expect(opening({ sha256: { [key]: '0'.repeat(64) } })).rejects.toMatchObject({
      code: 'fetch',
      message: `${join(directory, key)}: wrong checksum`,
    });
  });

  it.each([`${KUBELET}x`, 'etcd/3.7.3/linux-amd64/etcd.tar.gz', 'cni-plugins/1.9.1/linux-amd64/nothing'])(
    'is refused when it names no file of a release: %s',
    async (key) => {
      await expect(opening({ sha256: { [key]: '0'.repeat(64) } })).rejects.toMatchObject({
        code: 'invalid',
        message: `artifacts.sha256: there is no file ${key}`,
      });
    },
  );
});

describe('a mirror without TLS', () => {
  let plain: Upstream;
  beforeEach(async () => {
    plain = await startUpstream('http');
  });
  afterEach(() => plain.close());
  const fetching = (sha256: Record<string, string>): Promise<ArtifactIndex> =>
    openWithPins(clusterWith(directory, plain.url, true, { files: [inventory], sha256 }));
  /** Of all that is fetched; what is unpacked follows from it. */
  const all = (): Record<string, string> => ({
    ...Object.fromEntries(
      ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'].map(
        (name) => [`kubernetes/1.37.1/linux-amd64/${name}`, sha256(program(name))],
      ),
    ),
    [ETCD]: sha256(plain.files.get(URLS.etcd) ?? ''),
    'cni-plugins/1.9.1/linux-amd64/cni-plugins-linux-amd64-v1.9.1.tgz': sha256(
      plain.files.get('/cni/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz') ?? '',
    ),
  });

  it('gives what is pinned, and is not asked for its checksums', async () => {
    const index = await fetching(all());
    expect(index.get('bridge', 'amd64').sha256).toBe(sha256(program('bridge')));
    expect(plain.requests.join()).not.toMatch(/sha256|SHA256SUMS/);
  });

  it.each([KUBELET, ETCD])('is not asked for what has no pin: %s', async (key) => {
    const { [key]: _without, ...others } = all();
    await expect(fetching(others)).rejects.toMatchObject({
      code: 'invalid',
      exitCode: 10,
      message: expect.stringMatching(/^http:.* is not fetched/) as string,
      details: [expect.stringContaining(`${key}: SUM`)],
    });
    expect(plain.requests.join()).not.toContain(key.slice(key.lastIndexOf('/')));
  });

  it('gives what the lock file knows from a mirror with TLS', async () => {
    await opening();
    rmSync(directory, { recursive: true });
    expect((await fetching({})).get('kubelet', 'amd64').sha256).toBe(sha256(program('kubelet')));
  });

  it('is refused behind a redirect from one with TLS', async () => {
    const moved = `${upstream.url}/away`;
    upstream.redirects.set('/away/v1.37.1/bin/linux/amd64/kube-apiserver.sha256', `${plain.url}/release/x`);
    const cluster = clusterWith(directory, upstream.url, true, { files: [inventory] });
    const mirrors = { ...cluster.artifacts.mirrors, kubernetes: moved };
    await expect(openWithPins({ ...cluster, artifacts: { ...cluster.artifacts, mirrors } })).rejects.toThrow(
      /redirects from https to http:/,
    );
    expect(plain.requests).toEqual([]);
  });
});

it('an archive that is pinned is not replaced by one that its mirror vouches for', async () => {
  await opening();
  rmSync(join(directory, 'etcd'), { recursive: true });
  mkdirSync(join(directory, 'etcd'));
  const other = upstream.files.get('/cni/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz') ?? Buffer.of();
  upstream.files.set(URLS.etcd, other);
  upstream.files.set('/etcd/v3.7.3/SHA256SUMS', sums(other, 'etcd-v3.7.3-linux-amd64.tar.gz'));
  await expect(opening()).rejects.toMatchObject({ message: `${upstream.url}${URLS.etcd}: wrong checksum` });
});
