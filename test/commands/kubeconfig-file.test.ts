import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkMerge, kubectlsFile, mergeInto } from '../../src/commands/shared/kubeconfig-file.ts';
import { inventory, mcpk, scratch } from './support.ts';

const SETTINGS = {
  name: 'lab',
  server: 'https://10.77.0.100:443',
  user: 'kubernetes-admin@lab',
  certificateAuthority: { data: 'CA' },
  clientCertificate: { data: 'CERT' },
  clientKey: { data: 'KEY' },
};
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
  expect(await kubectlsFile({ KUBECONFIG: named }, '/home/me')).toBe(join(folder, written));
});

it.each([{}, { KUBECONFIG: '' }])('without KUBECONFIG (%j) it is ~/.kube/config', async (env) => {
  expect(await kubectlsFile(env, '/home/me')).toBe('/home/me/.kube/config');
});

describe('a file that a cluster is merged into', () => {
  it('is made with its folder, for its owner alone', async () => {
    const file = join(await scratch(), '.kube', 'config');
    await checkMerge(file);
    await mergeInto(file, SETTINGS);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(file, '..'))).toEqual(['config']);
  });

  it('is 0600 afterwards, whatever it was, and no lock is left', async () => {
    const file = join(await scratch(), 'config');
    await writeFile(file, THEIRS, { mode: 0o644 });
    await mergeInto(file, SETTINGS);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toContain('token: t');
    expect(await readdir(join(file, '..'))).toEqual(['config']);
  });

  it('is left alone while kubectl writes to it, and its lock too', async () => {
    const file = join(await scratch(), 'config');
    await writeFile(file, THEIRS);
    await writeFile(`${file}.lock`, '');
    await expect(mergeInto(file, SETTINGS)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('another program') as string,
    });
    expect(await readFile(file, 'utf8')).toBe(THEIRS);
    expect(await readdir(join(file, '..'))).toEqual(['config', 'config.lock']);
  });

  it('is left alone where it is no kubeconfig', async () => {
    const file = join(await scratch(), 'config');
    await writeFile(file, 'users: [');
    await expect(mergeInto(file, SETTINGS)).rejects.toMatchObject({ code: 'usage' });
    expect(await readFile(file, 'utf8')).toBe('users: [');
    expect(await readdir(join(file, '..'))).toEqual(['config']);
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
