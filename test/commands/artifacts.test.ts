import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it, vi } from 'vitest';
import { SafeFolder } from '../../src/artifacts/safe-folder.ts';
import type { Needed } from '../../src/artifacts/types.ts';
import { eachUpstream } from '../artifacts/each-upstream.ts';
import { program, sha256, URLS, type Upstream } from '../artifacts/upstream.ts';
import { INVENTORY, mcpk } from './support.ts';

const KUBELET = 'kubernetes/1.37.1/linux-amd64/kubelet';
const MANIFEST = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: more }\n';

let upstream: Upstream;
let folder: string;
let directory: string;
let inventory: string;

eachUpstream((fresh) => {
  ({ upstream, folder, directory } = fresh);
  upstream.files.set('/more.yaml', Buffer.from(MANIFEST));
  inventory = write('lab.yaml', '{ directory: ./artifacts, MIRRORS }');
});

function write(name: string, artifacts: string): string {
  const { url } = upstream;
  const mirrors = `mirrors: { kubernetes: '${url}/release', etcd: '${url}/etcd', cniPlugins: '${url}/cni' }`;
  const text = `${INVENTORY.replace('plugin: none', 'plugin: bridge')}
versions: { kubernetes: 1.37.1, etcd: 3.7.3, cniPlugins: 1.9.1 }
containerd: { source: package }
artifacts: ${artifacts.replace('MIRRORS', mirrors)}
addons: { manifests: [{ name: more, source: '${url}/more.yaml' }] }
`;
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const artifacts = (verb: string, ...words: string[]) => mcpk(['artifacts', verb, ...words, '-i', inventory]);
async function listed(): Promise<Needed> {
  return JSON.parse((await artifacts('list', '--json')).stdout) as Needed;
}

describe('artifacts list', () => {
  it('says what is to be fetched and from where, and asks nobody', async () => {
    const { binaries, manifests } = await listed();
    expect(binaries.find(({ name }) => name === KUBELET)).toEqual({ name: KUBELET, url: upstream.url + URLS.kubelet });
    expect(binaries.find(({ name }) => name.endsWith('/etcdutl'))?.url).toBe(upstream.url + URLS.etcd);
    expect(manifests).toEqual([{ name: 'more', url: `${upstream.url}/more.yaml` }]);
    expect(upstream.requests).toEqual([]);
    const { stdout } = await artifacts('list');
    expect(stdout).toMatch(new RegExp(`^${KUBELET} +to fetch +no sum yet +${upstream.url}${URLS.kubelet}$`, 'm'));
    expect(stdout).toMatch(/\n\d+ files, 0 B there, \d+ to fetch\.\n$/);
  });

  it('has the containerd that new hosts get where the inventory does not say which', async () => {
    writeFileSync(inventory, readFileSync(inventory, 'utf8').replace('containerd: { source: package }\n', ''));
    const { binaries } = await listed();
    const components = new Set(binaries.map(({ name }) => name.split('/')[0]));
    expect([...components]).toEqual(['kubernetes', 'etcd', 'cni-plugins', 'containerd', 'runc']);
  });

  it('has size, sum and place of what is there', async () => {
    await artifacts('fetch');
    const { binaries, manifests } = await listed();
    const bytes = program('kubelet');
    const file = join(directory, KUBELET);
    expect(binaries.find(({ name }) => name === KUBELET)).toMatchObject({ sha256: sha256(bytes), size: bytes.length, file }); // prettier-ignore
    expect(manifests).toMatchObject([{ sha256: sha256(MANIFEST), size: MANIFEST.length }]);
    expect((await artifacts('list')).stdout).toContain('there, nothing to fetch.\n');
  });

  it('knows the sum of what the lock file holds and is not there', async () => {
    await artifacts('fetch');
    rmSync(directory, { recursive: true });
    const { binaries } = await listed();
    expect(binaries.find(({ name }) => name === KUBELET)).toMatchObject({ sha256: sha256(program('kubelet')) });
    expect(binaries.filter(({ file }) => file !== undefined)).toEqual([]);
  });
});

describe('artifacts fetch', () => {
  it('fetches all, says so file by file, and writes the lock file', async () => {
    const said = await artifacts('fetch');
    expect([said.code, said.stdout]).toEqual([0, expect.stringMatching(/^\d+ files, \d+ kB, in .*artifacts\n$/)]);
    expect(said.stderr).toContain('kubelet: 8.0 kB\n');
    expect(existsSync(`${inventory}.lock`)).toBe(true);
    upstream.requests.length = 0;
    expect((await artifacts('fetch', '--locked')).code).toBe(0);
    expect(upstream.requests).toEqual([]);
  });

  it('fetches nothing that is not locked, where it is told so', async () => {
    expect((await artifacts('fetch', '--locked')).code).toBe(10);
    expect(upstream.requests).toEqual([]);
  });

  it('ends with 20 for what upstream does not have, binaries and manifests together', async () => {
    for (const path of [URLS.kubelet, '/more.yaml']) upstream.files.delete(path);
    const { code, stderr } = await artifacts('fetch');
    expect(code).toBe(20);
    for (const path of [URLS.kubelet, '/more.yaml']) expect(stderr).toContain(`${upstream.url}${path} answers 404`);
  });

  it('tells of a file that could not be had also where the lock file can not be written any more', async () => {
    upstream.files.delete(URLS.kubelet);
    upstream.hold = async (path) => {
      if (path === URLS.etcd) symlinkSync('/nowhere', `${inventory}.lock`);
    };
    const { code, stderr } = await artifacts('fetch');
    expect(code).toBe(10);
    for (const text of [`${URLS.kubelet} answers 404`, '.lock is a link']) expect(stderr).toContain(text);
  });

  it('tells once why nothing can be fetched, with all that is lacking for it', async () => {
    await upstream.close();
    const { code, stderr } = await artifacts('fetch');
    expect([code, stderr.match(/ECONNREFUSED/g)]).toEqual([20, ['ECONNREFUSED']]);
    expect(stderr).toMatch(/^✖ can't download 9 files: connect ECONNREFUSED 127\.0\.0\.1:\d+ \(exit 20\)\n/);
    for (const path of [`${URLS.kubelet}.sha256`, '/more.yaml'])
      expect(stderr).toContain(`\n  ${upstream.url}${path}\n`);
    for (const way of ['set artifacts.mirrors', 'name a file as source of more in addons.manifests'])
      expect(stderr.match(new RegExp(way, 'g'))).toHaveLength(1);
  });

  it('says where no space is left', async () => {
    const full = vi.spyOn(SafeFolder.prototype, 'openPart').mockImplementation(async function (this: SafeFolder, name) {
      await this.make();
      const file = await open(join(this.path, name), 'w+');
      file.write = () => Promise.reject(Object.assign(new Error('write'), { code: 'ENOSPC' }));
      return file;
    });
    try {
      const { code, stderr } = await artifacts('fetch');
      expect(code).toBe(10);
      expect(stderr).toContain(
        `✖ 3 folders cannot be written: no space is left there (exit 10)\n  ${directory}/kubernetes/1.37.1/linux-amd64\n`,
      );
      expect(stderr).toContain(`\n  ${directory}/etcd/3.7.3/linux-amd64\n`);
      expect(stderr.match(/Make room/g)).toHaveLength(1);
      expect(stderr).not.toContain("can't download");
    } finally {
      full.mockRestore();
    }
  });
});

describe('artifacts verify', () => {
  it('reads all files anew, and asks nobody', async () => {
    await artifacts('fetch');
    upstream.requests.length = 0;
    const said = await artifacts('verify');
    expect([said.code, said.stdout]).toEqual([
      0,
      expect.stringMatching(/^\d+ files, .*: each is what it must be\.\n$/),
    ]);
    expect(upstream.requests).toEqual([]);
  });

  it('finds one that was changed and looks as it did', async () => {
    await artifacts('fetch');
    const file = join(directory, KUBELET);
    const bytes = readFileSync(file);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const said = await artifacts('verify');
    expect([said.code, said.stderr]).toEqual([20, expect.stringContaining(`${file}: wrong checksum (exit 20)`)]);
  });

  it('names all that is wrong', async () => {
    await artifacts('fetch');
    appendFileSync(join(directory, KUBELET), 'x');
    rmSync(join(directory, KUBELET.replace('kubelet', 'kubectl')));
    rmSync(join(directory, 'manifests'), { recursive: true });
    const { code, stderr } = await artifacts('verify');
    expect(code).toBe(10);
    for (const text of ['kubelet: wrong checksum (exit 20)', 'linux-amd64: kubectl', 'manifest more: no copy of '])
      expect(stderr).toContain(text);
    expect(stderr).toContain(`mcpk artifacts fetch -i ${inventory} gets them.`);
  });
});

describe('artifacts bundle', () => {
  /** Whether a machine that has only what was bundled, the inventory and its lock file, finds all in `folder`. */
  async function isWholeIn(taken: string): Promise<void> {
    expect(statSync(join(folder, taken, KUBELET)).mode & 0o777).toBe(0o755);
    const elsewhere = write('away.yaml', `{ directory: ./${taken}, download: false, MIRRORS }`);
    copyFileSync(`${inventory}.lock`, `${elsewhere}.lock`);
    upstream.requests.length = 0;
    if (taken !== 'artifacts') rmSync(directory, { recursive: true });
    for (const verb of ['verify', 'fetch']) expect((await mcpk(['artifacts', verb, '-i', elsewhere])).code).toBe(0);
    expect(upstream.requests).toEqual([]);
  }

  it('has all that a machine without the Internet needs, beside the inventory and its lock file', async () => {
    const said = await artifacts('bundle', '--out', join(folder, 'taken'));
    expect([said.code, said.stdout]).toEqual([0, expect.stringContaining(`artifacts: { directory: ${folder}/taken, download: false }\n`)]); // prettier-ignore
    await isWholeIn('taken');
  });

  it('is a tar by its name, and the folder again by the command that it says', async () => {
    const tar = join(folder, 'taken.tar');
    const { files } = JSON.parse((await artifacts('bundle', '--out', tar, '--json')).stdout) as { files: string[] };
    const listed = execFileSync('tar', ['-tf', tar], { encoding: 'utf8' }).trim().split('\n');
    expect(listed.filter((name) => !name.endsWith('/SHA256SUMS'))).toEqual(files.map((name) => `artifacts/${name}`));
    const said = await artifacts('bundle', '--out', tar);
    expect(said.stdout).toContain(`  tar -xf ${tar}\n  artifacts: { directory: ./artifacts, download: false }\n`);
    rmSync(directory, { recursive: true });
    execFileSync('tar', ['-xf', tar], { cwd: folder });
    await isWholeIn('artifacts');
  });

  it('is not written where a file is not what it must be: a tar that was there stays', async () => {
    const tar = join(folder, 'taken.tar');
    await artifacts('fetch');
    writeFileSync(tar, 'mine');
    appendFileSync(join(directory, KUBELET), 'x');
    const said = await artifacts('bundle', '--out', tar);
    expect([said.code, said.stderr]).toEqual([20, expect.stringContaining('kubelet: wrong checksum')]);
    expect(readFileSync(tar, 'utf8')).toBe('mine');
  });

  it.each(['taken.tgz', 'taken.tar.gz', 'taken.zip'])('is not packed: %s', async (name) => {
    const said = await artifacts('bundle', '--out', join(folder, name));
    expect([said.code, said.stderr]).toEqual([64, expect.stringContaining('ends with .tar')]);
  });

  it('is written over itself', async () => {
    const taken = join(folder, 'taken');
    const first = await artifacts('bundle', '--out', taken, '--json');
    appendFileSync(join(taken, KUBELET), 'x');
    expect((await artifacts('bundle', '--out', taken, '--json')).stdout).toBe(first.stdout);
    expect(readFileSync(join(taken, KUBELET)).equals(program('kubelet'))).toBe(true);
  });

  it('says lines that can be copied, whatever it is called', async () => {
    const [taken, tar] = [join(folder, "what's, taken: 1"), join(folder, "what's taken.tar")];
    const { artifacts: said } = load((await artifacts('bundle', '--out', taken)).stdout.split('\n')[1] ?? '') as {
      artifacts: object;
    };
    expect(said).toEqual({ directory: taken, download: false });
    const line = (await artifacts('bundle', '--out', tar)).stdout.split('\n')[1] ?? '';
    execFileSync('sh', ['-c', line], { cwd: folder });
    expect(existsSync(join(folder, 'artifacts', KUBELET))).toBe(true);
  });

  it.each(['', '/nowhere/taken.tar'])('is refused before anything is fetched where it can not be: %j', async (out) => {
    const said = await artifacts('bundle', '--out', out);
    expect([said.code, upstream.requests]).toEqual([64, []]);
  });

  it('is not written through a link, nor where no folder can be', async () => {
    const taken = join(folder, 'taken');
    mkdirSync(taken);
    symlinkSync(folder, join(taken, 'kubernetes'));
    const linked = await artifacts('bundle', '--out', taken);
    expect([linked.code, linked.stderr]).toEqual([10, expect.stringContaining(`${taken}/kubernetes is a link`)]);
    for (const name of ['taken', 'taken.tar']) {
      const file = await artifacts('bundle', '--out', `${inventory}/${name}`);
      expect([file.code, file.stderr]).toEqual([64, expect.stringContaining('cannot be written (')]);
    }
  });
});

it('images are listed for a mirror, those of manifests that are fetched for it too', async () => {
  upstream.files.set('/more.yaml', Buffer.from('kind: Pod\nspec: { containers: [{ image: r/app:1 }] }\n'));
  const said = await mcpk(['images', '-i', inventory]);
  expect([said.code, said.stdout]).toEqual([0, expect.stringMatching(/^r\/app:1 +manifest more$/m)]);
  const { images } = JSON.parse((await mcpk(['images', '-i', inventory, '--json'])).stdout) as {
    images: { image: string }[];
  };
  expect(images.map(({ image }) => image)).toContain('registry.k8s.io/pause:3.10.1');
});
