import { appendFile, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copy, forget, keep, originOf, savedLab, savedLabs, unlike } from '../../lab/saved.ts';

const ORIGIN = originOf('/cache/images/trixie-amd64-1-2');

let store = '';
beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), 'mcpk-saved-'));
});
afterEach(() => rm(store, { recursive: true, force: true }));

const keepText = (name: string, text: string): Promise<void> =>
  keep(name, ORIGIN, (folder) => writeFile(join(folder, 'text'), text), store);
const textOf = (name: string): Promise<string> => readFile(join(store, name, 'text'), 'utf8');

describe('saved labs', () => {
  it('are listed by name with what they were made from, and replaced by a later one', async () => {
    await keepText('ready', 'first');
    await keepText('other', 'x');
    await keepText('ready', 'second');
    const all = await savedLabs(store);
    expect(all.map(({ name }) => name)).toEqual(['other', 'ready']);
    expect(all[1]).toMatchObject({ image: 'trixie-amd64-1-2', topology: ORIGIN.topology });
    expect(Date.parse(all[1]?.savedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(await textOf('ready')).toBe('second');
    expect((await stat(join(store, 'ready'))).mode & 0o777).toBe(0o700);
  });

  it('stay as they were when a save fails, and nothing of it is left', async () => {
    await keepText('ready', 'whole');
    const half = keep(
      'ready',
      ORIGIN,
      async (folder) => {
        await writeFile(join(folder, 'text'), 'half');
        throw new Error('no room');
      },
      store,
    );
    await expect(half).rejects.toThrow('no room');
    expect(await textOf('ready')).toBe('whole');
    expect(await readdir(store)).toEqual(['ready']);
  });

  it('that were cut off while they were written are none, and leave with the next save', async () => {
    await mkdir(join(store, '.ready.new'), { recursive: true });
    expect(await savedLabs(store)).toEqual([]);
    await keepText('other', 'x');
    expect(await readdir(store)).toEqual(['other']);
    expect(await savedLabs(join(store, 'never-there'))).toEqual([]);
  });

  it('leave when they are forgotten; one that is not there is named with those that are', async () => {
    await keepText('ready', 'x');
    await expect(savedLab('redy', store)).rejects.toMatchObject({
      message: 'there is no saved lab "redy"',
      hint: 'there are ready',
    });
    await forget('ready', store);
    expect(await readdir(store)).toEqual([]);
    await expect(forget('ready', store)).rejects.toThrow('no saved lab "ready"');
  });

  it.each(['', '.hidden', '../up', 'a/b', 'two words'])('are not called %j', async (name) => {
    await expect(keepText(name, 'x')).rejects.toThrow('no name for a saved lab');
    expect(await readdir(store)).toEqual([]);
  });

  it.each([
    ['itself', ORIGIN, undefined],
    [
      'another image',
      { ...ORIGIN, image: 'trixie-amd64-1-3' },
      /saved on the image trixie-amd64-1-3, and .* trixie-amd64-1-2/,
    ],
    [
      'other addresses',
      { ...ORIGIN, topology: 'm1=10.0.0.1' },
      /its hosts are m1=10\.0\.0\.1, and .* m1=10\.77\.0\.11/,
    ],
  ])('fit onto a lab of the same image and addresses: %s', (_name, saved, says) => {
    const why = unlike(saved, ORIGIN);
    if (says === undefined) expect(why).toBeUndefined();
    else expect(why).toMatch(says);
  });
});

describe('the folders that a saved lab has copies of', () => {
  let from = '';
  let to = '';
  beforeEach(async () => {
    [from, to] = [join(store, 'from'), join(store, 'deep', 'to')];
    await mkdir(from);
    await writeFile(join(from, 'database'), 'as saved', { mode: 0o600 });
  });

  it('do not change with a database that is written in place, and keep their modes', async () => {
    await copy(from, to);
    await appendFile(join(from, 'database'), ', and later');
    expect(await readFile(join(to, 'database'), 'utf8')).toBe('as saved');
    expect((await stat(join(to, 'database'))).mode & 0o777).toBe(0o600);
  });

  it('keep the holes of their files', async () => {
    const file = await open(join(from, 'database'), 'r+');
    await file.truncate(64 * 2 ** 20);
    await file.close();
    await copy(from, to);
    const copied = await stat(join(to, 'database'));
    expect(copied.size).toBe(64 * 2 ** 20);
    expect(copied.blocks * 512).toBeLessThan(2 ** 20);
  });
});
