import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/bundle.ts';
import { brokenLinks } from '../support/links.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

let folder = '';
let listed: string[] = [];
const environment = (): NodeJS.ProcessEnv => ({
  PATH: [join(folder, 'prefix/bin'), dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
  HOME: folder,
});

async function mcpk(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return run('mcpk', args, { cwd: folder, env: environment() }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

/** `npm pack`, then `npm install -g` of the tarball into a prefix of its own. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpk-package-'));
  const packed = await run('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', folder], {
    cwd: ROOT,
    maxBuffer: 2 ** 24,
  });
  // What the build prints comes before the list.
  const json = packed.stdout.slice(packed.stdout.search(/^[[{]$/m));
  const result = JSON.parse(json) as { files: { path: string }[] }[] | Record<string, { files: { path: string }[] }>;
  listed = (Object.values(result)[0]?.files ?? []).map(({ path }) => path);
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '';
  await run('npm', ['install', '-g', '--loglevel=error', '--prefix', join(folder, 'prefix'), join(folder, tarball)], {
    cwd: folder,
    env: { ...process.env, PATH: environment().PATH },
  });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the package', () => {
  it('holds what runs, and nothing of the workshop', () => {
    const wanted = [
      'bin/code-cache.js',
      'bin/run.js',
      'examples/ci/gitlab-ci.yml',
      'dist/mcpk.cjs',
      'oclif.manifest.json',
      'schema/cluster.v1.schema.json',
      'schema/json/etcd-status.schema.json',
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
    ];
    expect(listed).toEqual(expect.arrayContaining(wanted));
    expect(listed.filter((path) => /^(src|test|lab|bench|scripts|node_modules)\//.test(path))).toEqual([]);
  });

  it('has no link in its texts that leads out of it, or to nothing', () => {
    const texts = listed.filter((path) => path.endsWith('.md'));
    const installed = join(folder, 'prefix/lib/node_modules/mcpk');
    expect(texts).toEqual(expect.arrayContaining(['README.md', 'docs/inventory.md']));
    expect(texts.flatMap((path) => brokenLinks(installed, path).map((link) => `${path}: ${link}`))).toEqual([]);
  });

  it('starts outside the clone and knows its version', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect((await mcpk('--version')).stdout).toContain(`mcpk/${version} `);
  });

  it('writes an inventory, checks it and renders the files of its hosts', async () => {
    const init = await mcpk('init', '--master', '10.9.0.11', '--worker', '10.9.0.21');
    expect(init.stderr).toBe('');
    expect((await mcpk('validate')).stdout).toContain('m1');
    await writeFile(join(folder, 'none.yaml'), 'network: { plugin: none }\n');
    const render = await mcpk('render', 'out', '-i', 'mcpk.yaml', '-i', 'none.yaml');
    expect(render.code, render.stderr).toBe(0);
    expect(await readFile(join(folder, 'out/m1/etc/etcd/etcd.yaml'), 'utf8')).toContain('name: m1');
  });

  it('keeps its compiled code for the next start, and makes it anew when it is damaged', async () => {
    const cache = join(folder, '.cache/mcpk/code');
    const find = async (): Promise<string> =>
      join(cache, (await readdir(cache, { recursive: true })).find((name) => name.includes('/validate.')) ?? 'none');
    await mcpk('validate');
    const whole = await readFile(await find());
    await writeFile(await find(), whole.subarray(0, 1000));
    expect((await mcpk('validate')).stdout).toContain('m1');
    expect((await readFile(await find())).length).toBeGreaterThan(1000);
    expect((await mcpk('validate')).stdout).toContain('m1');
  });

  it('is the same file whenever it is built', async () => {
    await bundle(join(folder, 'again'));
    const [again, packed] = await Promise.all([
      readFile(join(folder, 'again/mcpk.cjs'), 'utf8'),
      readFile(join(folder, 'prefix/lib/node_modules/mcpk/dist/mcpk.cjs'), 'utf8'),
    ]);
    expect(again === packed).toBe(true);
  });

  it('ends with the documented code for a wrong word and a wrong inventory', async () => {
    expect((await mcpk('aply')).code).toBe(64);
    expect((await mcpk('validate', '-i', 'missing.yaml')).code).toBe(10);
  });

  it('finds its scripts for the hosts: a host that never answers ends with --timeout, not with a fault of mcpk', async () => {
    const init = await mcpk('init', 'away.yaml', '--master', '192.0.2.1');
    expect(init.code, init.stderr).toBe(0);
    const said = await mcpk('facts', '-i', 'away.yaml', '--timeout', '3');
    expect(said.code, said.stderr).toBeOneOf([11, 130]);
  });

  it.each(['bash', 'fish', 'zsh'])('completes commands in %s', async (shell) => {
    const said = await mcpk('autocomplete', shell);
    expect(said.code, said.stderr).toBe(0);
    expect(said.stdout).toContain('kubeconfig');
  });
});
