import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { eachUpstream } from '../artifacts/each-upstream.ts';
import { clusterWith, openWithPins, stock, sums, type Upstream, URLS } from '../artifacts/upstream.ts';
import { cpuMs } from '../support/cpu.ts';
import { errorOf } from '../bad-input/judge.ts';
import { tarball, type TarEntry } from '../bad-input/tar.ts';

const FILE = 'etcd-v3.7.3-linux-amd64.tar.gz';
const FOLDER = 'etcd-v3.7.3-linux-amd64';

let upstream: Upstream;
let folder: string;
let directory: string;

eachUpstream((fresh) => {
  ({ upstream, folder, directory } = fresh);
  stock(directory);
  rmSync(join(directory, 'etcd'), { recursive: true });
});

/** Serves `archive` with the checksum that it has: a mirror that was taken over. */
async function fetched(archive: Buffer): Promise<unknown> {
  upstream.files.set(URLS.etcd, archive);
  upstream.files.set('/etcd/v3.7.3/SHA256SUMS', sums(archive, FILE));
  return openWithPins(clusterWith(directory, upstream.url, true));
}

const program = (name: string, more: Partial<TarEntry> = {}): TarEntry => ({
  name: `${FOLDER}/${name}`,
  body: `${name}\n`,
  ...more,
});
const GOOD = [program('etcd'), program('etcdctl'), program('etcdutl')];
const without = (name: string): TarEntry[] => GOOD.filter((entry) => !entry.name.endsWith(`/${name}`));
const kept = (): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.startsWith('etcd/') && statSync(join(directory, name)).isFile(),
  );

describe('an archive with the right checksum and a wrong inside is refused, and nothing of it is kept', () => {
  it.each<[string, () => Buffer, RegExp]>([
    ['no archive at all', () => Buffer.from('hello'), /can't be unpacked: .*not in gzip format/],
    ['gzip of nothing', () => gzipSync(''), /does not hold etcd, etcdctl, etcdutl$/],
    ['gzip of text', () => gzipSync('hello\n'.repeat(500)), /can't be unpacked: .*not look like a tar archive/],
    [
      'half an archive',
      () => tarball(GOOD).subarray(0, 100),
      /can't be unpacked: .*[Uu]nexpected end of file|unexpected EOF/,
    ],
    [
      'a header that lies of a size',
      () => tarball([...without('etcd'), program('etcd', { size: 99_999 })]),
      /can't be unpacked: .*[Uu]nexpected EOF/,
    ],
    [
      'a program that is a symbolic link',
      () => tarball([...without('etcd'), program('etcd', { type: '2', body: '', link: '/etc/shadow' })]),
      /^etcd in .* is no regular file$/,
    ],
    [
      'a program that is a hard link',
      () => tarball([...without('etcd'), program('etcd', { type: '1', body: '', link: '/etc/passwd' })]),
      /^etcd in .* is no regular file$/,
    ],
    [
      'a program that is a device',
      () => tarball([...without('etcd'), program('etcd', { type: '3', body: '' })]),
      /^etcd in .* is no regular file$/,
    ],
    [
      'a program that is a pipe',
      () => tarball([...without('etcd'), program('etcd', { type: '6', body: '' })]),
      /^etcd in .* is no regular file$/,
    ],
    [
      'a program that is a folder',
      () => tarball([...without('etcd'), program('etcd/', { type: '5', body: '' })]),
      /does not hold etcd$/,
    ],
    [
      'a program twice, first as a link',
      () => tarball([program('etcd', { type: '2', body: '', link: '../../x' }), ...GOOD]),
      /^etcd in .* is no regular file$/,
    ],
    ['a program twice', () => tarball([...GOOD, program('etcd', { body: 'other' })]), /^etcd in .* is there twice$/],
    [
      'a program without a byte',
      () => tarball([...without('etcd'), program('etcd', { body: '' })]),
      /^etcd in the archive is no regular file$/,
    ],
    [
      'a program larger than any',
      () => tarball([...without('etcd'), program('etcd', { size: 2 ** 31 })]),
      /larger than any program|can't be unpacked/,
    ],
    [
      'programs in another folder',
      () => tarball(GOOD.map((entry) => ({ ...entry, name: entry.name.replace('3.7.3', '3.7.2') }))),
      /does not hold etcd, etcdctl, etcdutl$/,
    ],
    [
      'programs with a path that leads out',
      () => tarball(GOOD.map((entry) => ({ ...entry, name: `../${entry.name}` }))),
      /does not hold etcd, etcdctl, etcdutl$/,
    ],
    [
      'programs with an absolute path',
      () => tarball(GOOD.map((entry) => ({ ...entry, name: `/${entry.name}` }))),
      /does not hold etcd, etcdctl, etcdutl$/,
    ],
    [
      'names with line breaks that look like programs',
      () => tarball([{ name: `x\n-rwxr-xr-x 0/0 5 2026-01-01 00:00:00 ${FOLDER}/etcd`, body: 'x' }]),
      /does not hold etcd, etcdctl, etcdutl$/,
    ],
    [
      'more names than a release has',
      () => tarball(Array.from({ length: 12_000 }, (_, at) => ({ name: `${'x'.repeat(80)}${String(at)}` }))),
      /lists more files than any release$/,
    ],
  ])('%s', async (_what, make, message) => {
    const error = await errorOf(() => fetched(make()));
    expect(error).toMatchObject({ code: 'fetch', exitCode: 20 });
    expect(error.message).toMatch(message);
    expect(kept()).toEqual([]);
  });
});

describe('what an archive holds beside the programs', () => {
  it.each<[string, TarEntry]>([
    ['a path that leads out', { name: '../../../../outside', body: 'x' }],
    ['a path that leads out of its own folder', { name: `${FOLDER}/../../outside`, body: 'x' }],
    ['an absolute path', { name: '/outside', body: 'x' }],
    ['a link', { name: `${FOLDER}/link`, type: '2', link: '/etc/passwd' }],
    ['an option in place of a name', { name: '--checkpoint-action=exec=touch outside', body: 'x' }],
    ['a device', { name: `${FOLDER}/null`, type: '3' }],
  ])('is never written: %s', async (_what, entry) => {
    await fetched(tarball([entry, ...GOOD]));
    const shelf = join(directory, 'etcd/3.7.3/linux-amd64');
    expect(readdirSync(shelf).toSorted()).toEqual(['SHA256SUMS', 'etcd', 'etcdctl', 'etcdutl']);
    expect(readFileSync(join(shelf, 'etcd'), 'utf8')).toBe('etcd\n');
    for (const place of [folder, directory, '/']) expect(existsSync(join(place, 'outside'))).toBe(false);
  });

  it('is not unpacked either when it is a bomb: 50 MB of nothing in 50 KB', async () => {
    const bomb = tarball([{ name: `${FOLDER}/README.md`, body: Buffer.alloc(50_000_000) }, ...GOOD]);
    expect(bomb.length).toBeLessThan(100_000);
    expect(await cpuMs(() => fetched(bomb))).toBeLessThan(5000);
    expect(kept().some((name) => name.includes('README'))).toBe(false);
  });
});

describe('a folder of binaries', () => {
  const shelf = (): string => join(directory, 'kubernetes/1.37.1/linux-amd64');
  const opened = (): Promise<unknown> => openWithPins(clusterWith(directory, upstream.url, false));

  it.each<[string, (shelf: string) => void, string, RegExp]>([
    [
      'without a list of checksums',
      (at) => rmSync(join(at, 'SHA256SUMS')),
      'invalid',
      /^binaries are missing: kubernetes/,
    ],
    [
      'with a list that is a folder',
      (at) => (rmSync(join(at, 'SHA256SUMS')), void mkdtempSync(join(at, 'x'))),
      'invalid',
      /binaries are missing/,
    ],
    [
      'with a list of rubbish',
      (at) => writeFileSync(join(at, 'SHA256SUMS'), '\0\u00ff rubbish\n'.repeat(100)),
      'invalid',
      /binaries are missing/,
    ],
    [
      'with a binary that was changed',
      (at) => writeFileSync(join(at, 'kubelet'), '#!/bin/sh\n'),
      'fetch',
      /kubelet: wrong checksum$/,
    ],
    [
      'with a list of names that lead out',
      (at) => writeFileSync(join(at, 'SHA256SUMS'), `${'0'.repeat(64)}  ../kubelet\n`),
      'invalid',
      /binaries are missing/,
    ],
  ])('%s is refused', async (_what, damage, code, message) => {
    stock(directory);
    damage(shelf());
    const error = await errorOf(opened);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});
