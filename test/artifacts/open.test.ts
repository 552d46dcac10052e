import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { namedArtifacts } from '../../src/artifacts/open.ts';
import { openPins } from '../../src/artifacts/pins.ts';
import type { FailureList } from '../../src/core/errors.ts';
import type { Progress } from '../../src/artifacts/types.ts';
import { COMPONENTS } from '../../src/artifacts/components.ts';
import { fetchText } from '../../src/artifacts/fetch.ts';
import { expand } from '../../src/artifacts/root.ts';
import { SafeFolder } from '../../src/artifacts/safe-folder.ts';
import { binariesOf } from '../../src/states/artifacts.ts';
import type { ArtifactIndex } from '../../src/states/stage.ts';
import { labCluster } from '../states/cluster.ts';
import { eachUpstream } from './each-upstream.ts';
import type { Upstream } from './upstream.ts';
import {
  ARCHIVES,
  KUBERNETES,
  archive,
  clusterWith,
  openWithPins,
  program,
  sha256,
  stock,
  sums,
  URLS,
} from './upstream.ts';

let upstream: Upstream;
let folder: string;
let directory: string;
let shelf: string;
const { signal } = new AbortController();

eachUpstream((fresh) => {
  ({ upstream, folder, directory } = fresh);
  shelf = join(directory, 'kubernetes/1.37.1/linux-amd64');
});

const fetching = (): Promise<ArtifactIndex> => openWithPins(clusterWith(directory, upstream.url, true));
const offline = (): Promise<ArtifactIndex> => openWithPins(clusterWith(directory, upstream.url, false));
/** What lies below the folder for good: no half files, no scratch folders. */
const leftovers = (): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.part$|\.unpack|gz$|\.new$/.test(name),
  );

describe('with download', () => {
  it('fetches what lacks, each file checked, executable, and listed in SHA256SUMS', async () => {
    const index = await fetching();
    for (const name of [
      ...KUBERNETES,
      'etcd',
      'etcdctl',
      'etcdutl',
      'bridge',
      'host-local',
      'loopback',
      'portmap',
      'vlan',
    ]) {
      const artifact = index.get(name, 'amd64');
      expect(artifact).toMatchObject({ name, sha256: sha256(program(name)), size: program(name).length });
      expect(readFileSync(artifact.source).equals(program(name))).toBe(true);
      expect(statSync(artifact.source).mode & 0o777).toBe(0o755);
    }
    expect(index.get('etcd', 'amd64')).toMatchObject({ component: 'etcd', version: '3.7.3' });
    expect(readFileSync(join(shelf, 'SHA256SUMS'), 'utf8').split('\n')[0]).toBe(
      `${sha256(program('kube-apiserver'))}  kube-apiserver`,
    );
    expect(existsSync(join(directory, 'cni-plugins/1.9.1/linux-amd64/LICENSE'))).toBe(false);
    expect(leftovers()).toEqual([]);
  });

  it('asks nothing of upstream the second time, and only for what lacks the third', async () => {
    await fetching();
    upstream.requests.length = 0;
    await fetching();
    expect(upstream.requests).toEqual([]);
    rmSync(join(shelf, 'kubelet'));
    await fetching();
    expect(upstream.requests).toEqual([`${URLS.kubelet}.sha256`, URLS.kubelet]);
  });

  it('tells how far it is', async () => {
    const seen: Progress[] = [];
    const onProgress = (progress: Progress): void => void seen.push(progress);
    await openWithPins(clusterWith(directory, upstream.url, true), { onProgress });
    const there = seen.filter(({ isThere }) => isThere);
    expect(there.map(({ file }) => file).toSorted()).toEqual([
      'cni-plugins/1.9.1/linux-amd64/cni-plugins-linux-amd64-v1.9.1.tgz',
      'etcd/3.7.3/linux-amd64/etcd-v3.7.3-linux-amd64.tar.gz',
      ...KUBERNETES.map((name) => `kubernetes/1.37.1/linux-amd64/${name}`).toSorted(),
    ]);
    const size = program('kubelet').length;
    const of = { file: 'kubernetes/1.37.1/linux-amd64/kubelet', files: 8, received: size, total: size };
    expect(seen.filter(({ file }) => file === of.file).slice(-2)).toEqual([
      { ...of, isThere: false },
      { ...of, isThere: true },
    ]);
  });

  it('fetches four at a time, the largest first', async () => {
    let underWay = 0;
    let most = 0;
    const begun: string[] = [];
    const four = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    upstream.hold = async (path) => {
      const { pathname } = new URL(path, upstream.url);
      if (!upstream.files.has(pathname) || /sha256|SHA256SUMS/.test(pathname)) return;
      const gate = four[Math.floor(begun.length / 4)];
      begun.push(basename(pathname));
      most = Math.max(most, (underWay += 1));
      if (begun.length % 4 === 0) gate?.resolve();
      await gate?.promise;
      // Who else were let in would have asked for his sum and his file by the time that somebody else did so.
      for (let asked = 0; asked < 2; asked += 1) await fetchText(`${upstream.url}${URLS.kubelet}.sha256`, { signal });
      underWay -= 1;
    };
    await fetching();
    expect(most).toBe(4);
    expect(begun.slice(0, 4).toSorted()).toEqual(['kube-apiserver', 'kube-controller-manager', 'kubectl', 'kubelet']);
    expect(begun.at(-1)).toMatch(/^(etcd|kube-proxy)/);
  });

  it('reads no file that it wrote a second time', async () => {
    const read = vi.spyOn(SafeFolder.prototype, 'hash');
    await fetching();
    expect(read).not.toHaveBeenCalled();
  });

  it('goes on where a cut line stopped it', async () => {
    stock(directory, ARCHIVES);
    const part = join(shelf, 'kubelet.part');
    upstream.cut.set(URLS.kubelet, () => vi.waitFor(() => expect(statSync(part).size).toBeGreaterThan(0)));
    await expect(fetching()).rejects.toMatchObject({
      code: 'fetch',
      message: expect.stringContaining(`can't download ${upstream.url}${URLS.kubelet}`) as string,
    });
    expect(existsSync(join(shelf, 'kubelet'))).toBe(false);
    upstream.requests.length = 0;
    const index = await fetching();
    expect(upstream.requests[1]).toMatch(new RegExp(`^${URLS.kubelet} from [1-9]`));
    expect(upstream.requests.join()).not.toContain('kube-apiserver');
    expect(index.get('kubelet', 'amd64').sha256).toBe(sha256(program('kubelet')));
  });

  it.each([
    { name: 'of other bytes', part: 'x'.repeat(100) },
    { name: 'longer than the file', part: 'x'.repeat(1_000_000) },
  ])('starts again when the half file is $name', async ({ part }) => {
    stock(directory, ARCHIVES);
    mkdirSync(shelf, { recursive: true });
    writeFileSync(join(shelf, 'kubelet.part'), part);
    expect((await fetching()).get('kubelet', 'amd64').sha256).toBe(sha256(program('kubelet')));
    expect(leftovers()).toEqual([]);
  });

  it('starts again when the server knows no ranges', async () => {
    stock(directory, ARCHIVES);
    upstream.ranges = false;
    mkdirSync(shelf, { recursive: true });
    writeFileSync(join(shelf, 'kubelet.part'), program('kubelet').subarray(0, 100));
    await fetching();
    expect(
      upstream.requests.filter((request) => request.startsWith(`${URLS.kubelet} `) || request === URLS.kubelet),
    ).toEqual([`${URLS.kubelet} from 100`]);
  });

  it.each([
    { name: 'a file that is not there', path: URLS.kubelet, body: undefined, message: /kubelet answers 404/ },
    { name: 'no checksum', path: `${URLS.kubelet}.sha256`, body: undefined, message: /kubelet\.sha256 answers 404/ },
    {
      name: 'a page in place of a checksum',
      path: `${URLS.kubelet}.sha256`,
      body: '<html>',
      message: /has no sha256 of kubelet/,
    },
    { name: 'other bytes than published', path: URLS.kubelet, body: 'damaged', message: /kubelet: wrong checksum/ },
    { name: 'an archive of other bytes', path: URLS.etcd, body: 'damaged', message: /tar\.gz: wrong checksum/ },
    {
      name: 'a list without the archive',
      path: '/etcd/v3.7.3/SHA256SUMS',
      body: '0'.repeat(64) + '  x\n',
      message: /has no sha256 of etcd/,
    },
  ])('refuses $name and keeps nothing of it', async ({ path, body, message }) => {
    if (body === undefined) upstream.files.delete(path);
    else upstream.files.set(path, Buffer.from(body));
    await expect(fetching()).rejects.toMatchObject({
      code: 'fetch',
      exitCode: 20,
      message: expect.stringMatching(message) as string,
      hint: expect.any(String) as string,
    });
    expect(leftovers()).toEqual([]);
    const wrong = path.startsWith('/etcd') ? 'etcd/3.7.3/linux-amd64/etcd' : 'kubernetes/1.37.1/linux-amd64/kubelet';
    expect(existsSync(join(directory, wrong))).toBe(false);
  });

  it('takes no link out of an archive, and nothing that is not asked for', async () => {
    const inside = 'etcd-v3.7.3-linux-amd64';
    const evil = archive([`${inside}/etcdctl`, `${inside}/etcdutl`], { [`${inside}/etcd`]: '/etc/passwd' });
    upstream.files.set(URLS.etcd, evil);
    upstream.files.set('/etcd/v3.7.3/SHA256SUMS', sums(evil, 'etcd-v3.7.3-linux-amd64.tar.gz'));
    await expect(fetching()).rejects.toMatchObject({
      message: `etcd in ${upstream.url}${URLS.etcd} is no regular file`,
    });
    expect(leftovers()).toEqual([]);
    expect(readdirSync(join(directory, 'etcd/3.7.3/linux-amd64'))).toEqual([]);
  });

  it('says which program an archive lacks', async () => {
    const poor = archive(['etcd-v3.7.3-linux-amd64/etcd']);
    upstream.files.set(URLS.etcd, poor);
    upstream.files.set('/etcd/v3.7.3/SHA256SUMS', sums(poor, 'etcd-v3.7.3-linux-amd64.tar.gz'));
    await expect(fetching()).rejects.toMatchObject({
      message: expect.stringMatching(/does not hold etcdctl, etcdutl$/) as string,
    });
  });

  it('stops when the run is interrupted', async () => {
    await expect(
      openWithPins(clusterWith(directory, upstream.url, true), { signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop');
  });
});

describe('without download', () => {
  it('names what is missing, where it looked, and what to do', async () => {
    stock(directory);
    rmSync(join(shelf, 'kubelet'));
    rmSync(join(directory, 'etcd'), { recursive: true });
    await expect(offline()).rejects.toMatchObject({
      code: 'invalid',
      message: 'binaries are missing: kubernetes 1.37.1 (amd64), etcd 3.7.3 (amd64)',
      details: [`${shelf}: kubelet`, `${directory}/etcd/3.7.3/linux-amd64: etcd, etcdctl, etcdutl`],
      hint: expect.stringContaining('artifacts.download: true') as string,
    });
    expect(upstream.requests).toEqual([]);
  });

  it.each(['bridge', 'calico', 'none'])('names at once all that a host is given (%s)', async (plugin) => {
    const cluster = await labCluster(`network: { plugin: ${plugin} }`);
    const given = new Set(cluster.hosts.flatMap((host) => binariesOf(cluster, host)));
    const required = COMPONENTS.flatMap((component) => component.required(cluster));
    expect(new Set(required)).toEqual(given);
  });

  it('does not trust a file without a checksum', async () => {
    stock(directory);
    const sumsFile = join(shelf, 'SHA256SUMS');
    writeFileSync(sumsFile, readFileSync(sumsFile, 'utf8').replace(/^.*kubelet\n/m, ''));
    await expect(offline()).rejects.toMatchObject({ code: 'invalid', details: [`${shelf}: kubelet`] });
  });

  it('finds a file that was changed after it was verified, even with its old size and time', async () => {
    stock(directory);
    const path = join(shelf, 'kubelet');
    const time = new Date('2026-03-01T12:00:00Z');
    utimesSync(path, time, time);
    await offline();
    const bytes = program('kubelet');
    bytes[0] = 88;
    writeFileSync(path, bytes);
    utimesSync(path, time, time);
    await expect(offline()).rejects.toMatchObject({
      code: 'fetch',
      message: `${path}: wrong checksum`,
      details: [`expected sha256 ${sha256(program('kubelet'))}`, `actual   sha256 ${sha256(bytes)}`],
    });
  });

  it('remembers what it verified, and does without its memory', async () => {
    stock(directory);
    await offline();
    const memory = join(directory, '.mcpk-verified.json');
    const first = statSync(memory).mtimeMs;
    await offline();
    expect(statSync(memory).mtimeMs).toBe(first); // nothing was learned, so nothing was hashed
    writeFileSync(memory, 'not JSON');
    expect((await offline()).get('kubelet', 'amd64').sha256).toBe(sha256(program('kubelet')));
    expect(Object.keys(JSON.parse(readFileSync(memory, 'utf8')) as object)).toContain(join(shelf, 'kubelet'));
  });

  it('opens a verified folder without reading a binary', async () => {
    stock(directory);
    await offline();
    // A wrong sum in the memory shows that the memory is what is read.
    const memory = join(directory, '.mcpk-verified.json');
    writeFileSync(memory, readFileSync(memory, 'utf8').replaceAll(sha256(program('kubelet')), '0'.repeat(64)));
    await expect(offline()).rejects.toMatchObject({
      details: expect.arrayContaining([`actual   sha256 ${'0'.repeat(64)}`]) as string[],
    });
  });

  it('follows a link to the folder, ignores names that lead out of it', async () => {
    stock(directory);
    symlinkSync(directory, join(folder, 'link'));
    appendFileSync(join(shelf, 'SHA256SUMS'), `${'0'.repeat(64)}  ../kubelet\n`);
    const index = await openWithPins(clusterWith(join(folder, 'link'), upstream.url, false, { files: [] }));
    expect(index.get('kubelet', 'amd64').source).toBe(join(folder, 'link/kubernetes/1.37.1/linux-amd64/kubelet'));
  });
});

it('names the folders that cannot be filled', async () => {
  // Not even root makes a folder there.
  await expect(openWithPins(clusterWith('/sys/mcpk', upstream.url, true))).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(/^3 folders cannot be written \(E\w+\)/) as string,
    details: expect.arrayContaining(['/sys/mcpk/etcd/3.7.3/linux-amd64']) as string[],
    hint: expect.stringContaining('artifacts.directory') as string,
  });
});

it('tells of all files that cannot be fetched at once, and keeps what could be', async () => {
  const kubectl = URLS.kubelet.replace('kubelet', 'kubectl');
  for (const url of [URLS.kubelet, URLS.etcd]) upstream.files.delete(url);
  upstream.files.set(kubectl, Buffer.from('damaged'));
  const error: unknown = await fetching().catch((thrown: unknown) => thrown);
  expect((error as FailureList).errors).toMatchObject([
    { message: expect.stringContaining(`${URLS.kubelet} answers 404`) as string, hint: expect.any(String) as string },
    { message: `${upstream.url}${kubectl}: wrong checksum`, details: [expect.any(String), expect.any(String)] },
    { message: expect.stringContaining(`${URLS.etcd} answers 404`) as string, hint: expect.any(String) as string },
  ]);
  expect(readdirSync(shelf).toSorted()).toEqual(
    ['SHA256SUMS', ...KUBERNETES.filter((name) => !/kubelet|kubectl/.test(name))].toSorted(),
  );
  expect(existsSync(join(directory, 'cni-plugins/1.9.1/linux-amd64/bridge'))).toBe(true);
});

it('names binaries without fetching any: those that are there with their sums', async () => {
  const cluster = clusterWith(directory, upstream.url, true);
  const named = async (): Promise<ArtifactIndex> =>
    namedArtifacts(cluster, { arches: ['amd64'], pins: await openPins(cluster, { update: false }) });
  expect((await named()).get('etcd', 'amd64')).toMatchObject({ version: '3.7.3', sha256: 'unknown' });
  stock(directory);
  expect((await named()).get('etcd', 'amd64').sha256).toBe(sha256(program('etcd')));
  expect(upstream.requests).toEqual([]);
});

it.each([
  ['kubelet', 'arm64'],
  ['nothing', 'amd64'],
])('knows no %s for %s', async (name, arch) => {
  stock(directory);
  const index = await offline();
  expect(() => index.get(name, arch)).toThrow(
    expect.objectContaining({ code: 'invalid', message: `there is no binary ${name} for ${arch} in ${directory}` }),
  );
});

it('refuses a processor that would lead out of the folder', async () => {
  await expect(openWithPins(clusterWith(directory, upstream.url, true), { arches: ['../x'] })).rejects.toMatchObject({
    code: 'invalid',
  });
});

it('reads ~ as the home folder, and only at the start', () => {
  expect([expand('~/a'), expand('~'), expand('/a/~/b'), expand('/~x')]).toEqual([
    join(homedir(), 'a'),
    homedir(),
    '/a/~/b',
    '/~x',
  ]);
});
