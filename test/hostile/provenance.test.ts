import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { COMPONENTS } from '../../src/artifacts/components.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { readSchema, schemaAt } from '../../src/inventory/schema.ts';
import {
  clusterWith,
  KUBERNETES,
  openWithPins,
  program,
  sha256,
  startUpstream,
  stock,
  type Upstream,
} from '../artifacts/upstream.ts';

const KUBELET = 'kubernetes/1.37.1/linux-amd64/kubelet';
const ETCD = 'etcd/3.7.3/linux-amd64/etcd-v3.7.3-linux-amd64.tar.gz';
const CNI = 'cni-plugins/1.9.1/linux-amd64/cni-plugins-linux-amd64-v1.9.1.tgz';
const EVIL = Buffer.from('evil');
const UPSTREAM = {
  kubernetes: 'https://dl.k8s.io',
  etcd: 'https://github.com/etcd-io/etcd/releases/download',
  cniPlugins: 'https://github.com/containernetworking/plugins/releases/download',
  containerd: 'https://github.com/containerd/containerd/releases/download',
  runc: 'https://github.com/opencontainers/runc/releases/download',
};

let scratch: string;
/** What two inventories share: the default folder, or one that both name. */
let shared: string;
let good: Upstream;
let evil: Upstream;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'mcpk-provenance-'));
  shared = join(scratch, 'cache/artifacts');
  good = await startUpstream();
  evil = await startUpstream('http');
  evil.files.set('/release/v1.37.1/bin/linux/amd64/kubelet', EVIL);
  for (const name of ['evil', 'honest']) {
    mkdirSync(join(scratch, name));
    writeFileSync(join(scratch, name, 'mcpk.yaml'), '');
  }
});
afterEach(async () => {
  await Promise.all([good.close(), evil.close()]);
  rmSync(scratch, { recursive: true });
});

const inventory = (name: string): string => join(scratch, name, 'mcpk.yaml');
const cluster = (name: string, mirror: string, sums = {}, { directory = shared, download = true } = {}): Cluster =>
  clusterWith(directory, mirror, download, { files: [inventory(name)], sha256: sums });
/** As upstream’s own: its mirrors are the ones that no inventory needs to name. */
const plain = (name: string): Cluster => {
  const made = cluster(name, '', {}, { download: false });
  return { ...made, artifacts: { ...made.artifacts, mirrors: UPSTREAM } };
};
const sumsOf = (kubelet: Buffer): Record<string, string> => ({
  ...Object.fromEntries(KUBERNETES.map((name) => [`kubernetes/1.37.1/linux-amd64/${name}`, sha256(program(name))])),
  [KUBELET]: sha256(kubelet),
  [ETCD]: sha256(evil.files.get('/etcd/v3.7.3/etcd-v3.7.3-linux-amd64.tar.gz') ?? ''),
  [CNI]: sha256(evil.files.get('/cni/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz') ?? ''),
});
const poison = async (): Promise<void> => {
  const index = await openWithPins(cluster('evil', evil.url, sumsOf(EVIL)));
  expect(index.get('kubelet', 'amd64').sha256).toBe(sha256(EVIL));
};

describe('what one inventory got from a mirror of its own', () => {
  it('is none of upstream’s for another one', async () => {
    await poison();
    await expect(openWithPins(plain('honest'))).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('binaries are missing: kubernetes 1.37.1') as string,
    });
  });

  it('is not taken by one with another mirror, nor written into its lock file', async () => {
    await poison();
    writeFileSync(`${inventory('honest')}.lock`, JSON.stringify({ version: 1, sha256: {} }));
    const index = await openWithPins(cluster('honest', good.url));
    expect(index.get('kubelet', 'amd64').sha256).toBe(sha256(program('kubelet')));
    const lock = readFileSync(`${inventory('honest')}.lock`, 'utf8');
    expect(lock).toContain(sha256(program('kubelet')));
    expect(lock).not.toContain(sha256(EVIL));
  });

  it('is not taken by one with other sums of the same mirror, when that has no TLS', async () => {
    await poison();
    evil.files.set('/release/v1.37.1/bin/linux/amd64/kubelet', program('kubelet'));
    const index = await openWithPins(cluster('honest', evil.url, sumsOf(program('kubelet'))));
    expect(index.get('kubelet', 'amd64').sha256).toBe(sha256(program('kubelet')));
  });

  it('is found again by those who name that mirror', async () => {
    await openWithPins(cluster('honest', good.url));
    good.requests.length = 0;
    const again = cluster('evil', good.url, {}, { download: false });
    expect((await openWithPins(again)).get('kubelet', 'amd64').sha256).toBe(sha256(program('kubelet')));
    expect(good.requests).toEqual([]);
  });

  it('lies apart also below an inventory that lies in the home folder, as all the operator’s folders do', async () => {
    vi.stubEnv('HOME', join(scratch, 'honest'));
    const directory = join(scratch, 'honest/other/artifacts');
    await openWithPins(cluster('honest', good.url, {}, { directory }));
    expect(readdirSync(directory)).toContain('from');
    expect(existsSync(join(directory, KUBELET))).toBe(false);
    vi.unstubAllEnvs();
  });

  it('lies in place in a folder beside the inventory, which is nobody else’s', async () => {
    const directory = join(scratch, 'honest/artifacts');
    await openWithPins(cluster('honest', good.url, {}, { directory }));
    expect(existsSync(join(directory, KUBELET))).toBe(true);
    expect(readdirSync(directory)).not.toContain('from');
  });
});

describe('a shared folder that was filled by hand', () => {
  it.each<[string, () => Cluster]>([
    ['without a mirror', () => plain('honest')],
    ['with one', () => cluster('honest', good.url)],
  ])('is used as it is by an inventory %s', async (_what, of) => {
    stock(shared);
    expect((await openWithPins(of())).get('kubelet', 'amd64').source).toBe(join(shared, KUBELET));
    expect(good.requests).toEqual([]);
    expect(existsSync(`${inventory('honest')}.lock`)).toBe(false);
  });

  it('is completed beside it', async () => {
    stock(shared);
    rmSync(join(shared, KUBELET));
    const index = await openWithPins(cluster('honest', good.url));
    expect(index.get('kubelet', 'amd64').source).toMatch(`${shared}/from/`);
    expect(index.get('kubectl', 'amd64').source).toBe(join(shared, KUBELET, '../kubectl'));
    expect(existsSync(join(shared, KUBELET))).toBe(false);
  });
});

it('upstream is what the schema names when an inventory does not', () => {
  const mirrors = schemaAt(readSchema(), ['artifacts', 'mirrors'])?.properties ?? {};
  expect(COMPONENTS.map(({ upstream }) => upstream)).toEqual(Object.values(mirrors).map((each) => each.default));
});
