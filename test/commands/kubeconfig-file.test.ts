import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkMerge, kubectlsFiles, mergeInto } from '../../src/commands/shared/kubeconfig-file.ts';
import type { McpkError } from '../../src/core/errors.ts';
import { kubeconfig } from '../../src/render/kubeconfig.ts';
import { SETTINGS } from '../render/kubeconfig-settings.ts';
import { AWAY, inventory, mcpk, scratch } from './support.ts';

const THEIRS = 'users: [{ name: me, user: { token: t } }]\n';

it.each([
  ['a:b', [], 'b'],
  ['a:b:c', ['b', 'c'], 'b'],
  [':a:', ['a'], 'a'],
  ['a', [], 'a'],
])('KUBECONFIG=%s of which %j are there is written to in %s', async (list, there, written) => {
  const folder = await scratch();
  for (const name of there) await writeFile(join(folder, name), '');
  const named = list.replaceAll(/[a-c]/g, (name) => join(folder, name));
  const { file, others } = await kubectlsFiles({ KUBECONFIG: named }, '/home/me');
  expect(file).toBe(join(folder, written));
  expect(others.toSorted()).toEqual(named.split(':').filter((each) => each !== '' && each !== file));
});

it.each([{}, { KUBECONFIG: '' }])('without KUBECONFIG (%j) it is ~/.kube/config', async (env) => {
  expect(await kubectlsFiles(env, '/home/me')).toEqual({ file: '/home/me/.kube/config', others: [] });
});

describe('a file that a cluster is merged into', () => {
  it('is made with its folder, for its owner alone', async () => {
    const file = join(await scratch(), '.kube', 'config');
    await checkMerge({ file, others: [] });
    await mergeInto({ file, others: [] }, SETTINGS);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(file, '..'))).toEqual(['config']);
  });

  it('is 0600 afterwards, whatever it was, and no lock is left', async () => {
    const file = join(await scratch(), 'config');
    await writeFile(file, THEIRS, { mode: 0o644 });
    await mergeInto({ file, others: [] }, SETTINGS);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toContain('token: t');
    expect(await readdir(join(file, '..'))).toEqual(['config']);
  });

  it('is left alone while kubectl writes to it, and its lock too', async () => {
    const file = join(await scratch(), 'config');
    await writeFile(file, THEIRS);
    await writeFile(`${file}.lock`, '');
    await expect(mergeInto({ file, others: [] }, SETTINGS)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('another program') as string,
    });
    expect(await readFile(file, 'utf8')).toBe(THEIRS);
    expect(await readdir(join(file, '..'))).toEqual(['config', 'config.lock']);
  });

  it('is left alone where it is no kubeconfig', async () => {
    const file = join(await scratch(), 'config');
    await writeFile(file, 'users: [');
    await expect(mergeInto({ file, others: [] }, SETTINGS)).rejects.toMatchObject({ code: 'usage' });
    expect(await readFile(file, 'utf8')).toBe('users: [');
    expect(await readdir(join(file, '..'))).toEqual(['config']);
  });
});

describe('several files that kubectl reads as one', () => {
  const OURS = kubeconfig(SETTINGS);
  const FOREIGN = kubeconfig({ ...SETTINGS, server: 'https://other', certificateAuthority: { data: 'OTHER' } });
  /** What is in files a, b … afterwards, or what was said. */
  const merged = async (...texts: string[]): Promise<{ texts: string[]; said: string }> => {
    const folder = await scratch();
    const files = texts.map((_, index) => join(folder, 'abc'.charAt(index)));
    for (const [index, file] of files.entries()) await writeFile(file, texts[index] ?? '');
    const found = await kubectlsFiles({ KUBECONFIG: files.join(':') }, '/home/me');
    const said = await checkMerge(found)
      .then(() => mergeInto(found, SETTINGS))
      .catch((error: unknown) => `${(error as McpkError).code}: ${(error as McpkError).message}`);
    return { said: said.replaceAll(`${folder}/`, ''), texts: await Promise.all(files.map((file) => readFile(file, 'utf8'))) }; // prettier-ignore
  };

  it.each(['', THEIRS])('keep the current context that a later one has (%j)', async (first) => {
    const { said, texts } = await merged(first, 'current-context: prod\n');
    expect([said, texts[1]]).toEqual(['a', 'current-context: prod\n']);
    expect(texts[0]).toContain('server: https://10.77.0.100:443');
    expect(texts[0]).not.toContain('current-context');
  });

  it('get a current context where none has one', async () => {
    expect((await merged(THEIRS, THEIRS)).texts[0]).toContain('current-context: lab');
  });

  it('have a cluster once, where it is already', async () => {
    const { said, texts } = await merged(THEIRS, OURS.replace('10.77.0.100', '10.77.0.200'));
    expect([said, ...texts]).toEqual(['b', THEIRS, OURS]);
  });

  it.each([
    ['another cluster of the name', [THEIRS, FOREIGN], 'usage: b has another cluster that is called lab'],
    ["another cluster's context", [THEIRS, 'contexts: [{ name: lab, context: { cluster: prod } }]\n'], 'usage: b has a context lab'], // prettier-ignore
    ['the name twice', [OURS, THEIRS, FOREIGN], 'usage: a and c both have entries of the name lab'],
    ['no kubeconfig', [THEIRS, 'users: ['], 'usage: b is no YAML'],
  ])('are left alone where they hold %s', async (_, before, message) => {
    const { said, texts } = await merged(...before);
    expect(said).toContain(message);
    expect(texts).toEqual(before);
  });
});

describe('kubeconfig, before a host is asked,', () => {
  it.each<[string, (file: string) => Promise<unknown>, string[]]>([
    ['a file that is no kubeconfig', (file) => writeFile(file, 'users: ['), ['--merge']],
    ['a link', (file) => symlink('/dev/null', file), ['--merge']],
    ['a folder', (file) => mkdir(file), ['--merge']],
    ['a link in the place of --output', (file) => symlink('/dev/null', file), []],
  ])('refuses %s', async (_, make, flags) => {
    const file = join(await scratch(), 'config');
    await make(file);
    const said = await mcpk(['kubeconfig', '-i', await inventory(), '--output', file, ...flags]);
    expect([said.code, said.stdout]).toEqual([64, '']);
    expect(said.stderr).toContain(file);
    expect(await readdir(join(file, '..'))).toEqual(['config']);
  });

  it('says of all masters why none answers', async () => {
    const said = await mcpk(['kubeconfig', '-i', await inventory(AWAY)]);
    expect(said.stderr.match(/✖.*/g)).toEqual([expect.stringMatching(/^✖ all: .* \(exit 11\)$/)]);
  });

  it('has nothing destroyed when no master answers', async () => {
    const file = join(await scratch(), 'config');
    await writeFile(file, THEIRS);
    for (const flags of [[], ['--merge']]) {
      const said = await mcpk(['kubeconfig', '-i', await inventory(), '--output', file, '--timeout', '1', ...flags]);
      expect(said.code).not.toBe(0);
      expect(await readFile(file, 'utf8')).toBe(THEIRS);
    }
  });
});
