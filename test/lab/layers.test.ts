import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeze, layersIn, sweep } from '../../lab/layers.ts';

describe('layers of disks', () => {
  let folder = '';
  let layers = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcpk-layers-'));
    layers = join(folder, 'layers');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const list = (name: string): string => join(folder, name);
  async function write(text: string, name: string): Promise<void> {
    const upper = join(folder, 'upper');
    await mkdir(upper);
    await writeFile(join(upper, 'text'), text);
    await freeze(upper, list(name), layers);
    expect(await readdir(folder)).not.toContain('upper');
  }
  const texts = async (name: string): Promise<string[]> =>
    Promise.all((await layersIn(list(name), layers)).map((layer) => readFile(join(layer, 'text'), 'utf8')));

  it('are listed from the oldest to the newest', async () => {
    expect(await texts('m1')).toEqual([]);
    for (const text of ['first', 'second', 'third']) await write(text, 'm1');
    expect(await texts('m1')).toEqual(['first', 'second', 'third']);
  });

  it('are passed over where their freeze was cut off', async () => {
    await write('first', 'm1');
    const missing = join(folder, 'never-there');
    await expect(freeze(missing, list('m1'), layers)).rejects.toThrow('ENOENT');
    expect(await texts('m1')).toEqual(['first']);
    await write('second', 'm1');
    expect(await texts('m1')).toEqual(['first', 'second']);
  });

  it('stay as long as one list has them', async () => {
    await write('shared', 'm1');
    await writeFile(list('saved'), await readFile(list('m1')));
    await write('own', 'm1');
    await sweep([list('saved'), list('m1')], layers);
    expect(await texts('m1')).toEqual(['shared', 'own']);
    await sweep([list('saved')], layers);
    expect(await texts('saved')).toEqual(['shared']);
    expect(await texts('m1')).toEqual(['shared']);
    await sweep([list('never-there')], layers);
    expect(await readdir(layers)).toEqual([]);
  });

  it('are not removed when a list can not be read', async () => {
    await write('kept', 'm1');
    await mkdir(list('no-file'));
    await expect(sweep([list('no-file')], layers)).rejects.toThrow('EISDIR');
    expect(await texts('m1')).toEqual(['kept']);
  });
});
