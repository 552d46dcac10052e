import { chmod, link, mkdir, mkdtemp, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkPlace, replaceFile, writePrivate } from '../../src/core/private-file.ts';

let folder = '';
let umask = 0;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpk-private-'));
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
});

it('is for its owner alone, whatever the umask and whatever was there', async () => {
  const file = join(folder, 'config');
  await writePrivate(file, 'one');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await chmod(file, 0o666);
  await checkPlace(file);
  await writePrivate(file, 'two');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readFile(file, 'utf8')).toBe('two');
  expect(await readdir(folder)).toEqual(['config']);
});

it('what is for all to read has the mode that the umask leaves', async () => {
  process.umask(0o027);
  await replaceFile(join(folder, 'page'), 'one');
  expect((await stat(join(folder, 'page'))).mode & 0o777).toBe(0o640);
});

it('another name of the file that was there does not get the text', async () => {
  const file = join(folder, 'config');
  await writeFile(file, 'old');
  await link(file, join(folder, 'other'));
  await writePrivate(file, 'secret');
  expect(await readFile(join(folder, 'other'), 'utf8')).toBe('old');
});

it.each([
  ['a link', () => symlink(join(folder, 'target'), join(folder, 'config')), 'a link is there'],
  ['a folder', () => mkdir(join(folder, 'config')), 'it is a folder'],
])('%s in its place is left as it is', async (_what, put, why) => {
  await writeFile(join(folder, 'target'), 'theirs');
  await put();
  const before = await readdir(folder);
  for (const work of [checkPlace, (file: string) => writePrivate(file, 'secret')])
    await expect(work(join(folder, 'config'))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(`cannot be written (${why})`) as string,
    });
  expect(await readFile(join(folder, 'target'), 'utf8')).toBe('theirs');
  expect(await readdir(folder)).toEqual(before);
});

it('an empty word names no file, before anything is done', async () => {
  await expect(checkPlace('')).rejects.toMatchObject({
    exitCode: 64,
    message: expect.stringContaining('empty') as string,
  });
});
