import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { loadManifests } from '../../src/artifacts/manifests.ts';
import { openPins } from '../../src/artifacts/pins.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { eachUpstream } from './each-upstream.ts';
import { sha256, startUpstream, type Upstream } from './upstream.ts';

const TEXT = 'kind: List\n';
const SHA256 = sha256(TEXT);
const OTHER = 'kind: Other\n';
const signal = new AbortController().signal;

let upstream: Upstream;
let folder: string;
let url: string;
let lock: string;

eachUpstream((fresh) => {
  ({ upstream, folder } = fresh);
  upstream.files.set('/x.yaml', Buffer.from(TEXT));
  url = `${upstream.url}/x.yaml`;
  writeFileSync(join(folder, 'lab.yaml'), '');
  lock = join(folder, 'lab.yaml.lock');
});

type Manifests = Cluster['addons']['manifests'];

function cluster(manifests: Manifests, { download = true, calico = false } = {}): Cluster {
  const part = {
    addons: { manifests },
    versions: { calico: '3.31.0' },
    files: [join(folder, 'lab.yaml')],
    network: { plugin: calico ? 'calico' : 'none', calico: {} },
    artifacts: { directory: join(folder, 'artifacts'), download, sha256: {} },
  };
  return part as unknown as Cluster;
}

/** As a command does it. */
async function load(manifests: Manifests, more: { download?: boolean; update?: boolean; calico?: boolean } = {}) {
  const all = cluster(manifests, more);
  const pins = await openPins(all, { update: more.update ?? false });
  return loadManifests(all, { pins, signal }).finally(() => pins.save());
}
const pinned = (sum = SHA256): Manifests => [{ name: 'a', source: url, sha256: sum }];
const loose = (): Manifests => [{ name: 'a', source: url }];
const copy = (sum: string): string => join(folder, 'artifacts/manifests', `${sum}.yaml`);
const republish = (): unknown => upstream.files.set('/x.yaml', Buffer.from(OTHER));

describe('a manifest of the inventory', () => {
  it('is read from a file', async () => {
    const source = join(folder, 'a.yaml');
    writeFileSync(source, TEXT);
    expect(await load([{ name: 'a', source }])).toEqual(new Map([['a', TEXT]]));
    expect(existsSync(lock)).toBe(false);
  });

  it('is named when its file is missing', async () => {
    await expect(load([{ name: 'a', source: join(folder, 'no.yaml') }])).rejects.toThrow(/manifest a: .*no\.yaml/);
  });

  it('and all others that cannot be had are told at once', async () => {
    const all = ['no', 'nor'].map((name) => ({ name, source: join(folder, `${name}.yaml`) }));
    await expect(load(all)).rejects.toMatchObject({ errors: [{ code: 'invalid' }, { code: 'invalid' }] });
  });

  it('with a checksum is fetched once, needs no network then, and no lock file', async () => {
    await load(pinned());
    expect(await load(pinned(), { download: false })).toEqual(new Map([['a', TEXT]]));
    expect(upstream.requests).toEqual(['/x.yaml']);
    expect(existsSync(lock)).toBe(false);
  });

  it('of another content than the pinned one is refused, and nothing of it is kept', async () => {
    const wrong = pinned('0'.repeat(64));
    await expect(load(wrong)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(SHA256) as string,
    });
    await expect(load(wrong)).rejects.toThrow(SHA256);
    expect(upstream.requests).toHaveLength(2);
    expect(existsSync(join(folder, 'artifacts'))).toBe(false);
  });

  it('may be as large as one that is read from a file', async () => {
    const large = `# ${'x'.repeat(2 ** 21)}\n${TEXT}`;
    upstream.files.set('/x.yaml', Buffer.from(large));
    expect((await load(pinned(sha256(large)))).get('a')).toHaveLength(large.length);
    upstream.files.set('/x.yaml', Buffer.alloc(2 ** 26 + 1, 'x'));
    rmSync(join(folder, 'artifacts'), { recursive: true });
    await expect(load(pinned(sha256(large)))).rejects.toMatchObject({
      code: 'fetch',
      message: expect.stringMatching(/x\.yaml: more than 64 MiB$/) as string,
    });
  });

  it('that is not at hand says where a copy is looked for when nothing may be downloaded', async () => {
    await expect(load(pinned(), { download: false })).rejects.toMatchObject({
      code: 'invalid',
      details: [expect.stringContaining(copy(SHA256))],
      hint: 'Name a file as source of a in addons.manifests (docs/air-gapped.md), or set artifacts.download: true.',
    });
  });

  it('that nobody serves says which setting takes a file', async () => {
    const file = 'name a file as source of a in addons.manifests (docs/air-gapped.md).';
    const refused = (hint: string): object => ({ code: 'fetch', hint });
    upstream.files.clear();
    await expect(load(pinned())).rejects.toMatchObject(refused(`See whether the URL is right, or ${file}`));
    await upstream.close();
    const again = 'Run the command again: it goes on where it stopped.';
    await expect(load(pinned())).rejects.toMatchObject(refused(`${again} Without the Internet: ${file}`));
    vi.stubEnv('NO_PROXY', '*');
    const nowhere = [{ name: 'a', source: 'http://nowhere.invalid/x.yaml', sha256: SHA256 }];
    // To try again would find no way either.
    await expect(load(nowhere)).rejects.toMatchObject(refused(`Without the Internet: ${file}`));
  });
});

describe('a manifest without a checksum of the inventory', () => {
  it('is held to what was fetched first', async () => {
    await load(loose());
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toEqual({ version: 1, sha256: { [url]: SHA256 } });
    republish();
    // The copy is at hand.
    expect(await load(loose())).toEqual(new Map([['a', TEXT]]));
    rmSync(join(folder, 'artifacts'), { recursive: true });
    await expect(load(loose())).rejects.toMatchObject({
      code: 'fetch',
      message: `${url}: wrong checksum`,
      details: [`expected sha256 ${SHA256} (${lock})`, `actual   sha256 ${sha256(OTHER)}`],
      hint: expect.stringContaining('--update-lock') as string,
    });
  });

  it('is fetched anew when the lock file is to change', async () => {
    await load(loose());
    republish();
    expect(await load(loose(), { update: true })).toEqual(new Map([['a', OTHER]]));
    expect(readFileSync(lock, 'utf8')).toContain(sha256(OTHER));
  });

  it('is not fetched over http', async () => {
    const plain = await startUpstream('http');
    try {
      await expect(load([{ name: 'a', source: `${plain.url}/x.yaml` }])).rejects.toMatchObject({ code: 'invalid' });
      expect(plain.requests).toEqual([]);
    } finally {
      await plain.close();
    }
  });
});

describe('the copy', () => {
  it.each([true, false])('that was changed is not used (sum of the inventory: %s)', async (own) => {
    const manifests = own ? pinned() : loose();
    await load(manifests);
    writeFileSync(copy(SHA256), OTHER);
    await expect(load(manifests, { download: false })).rejects.toMatchObject({ code: 'invalid' });
    expect(await load(manifests)).toEqual(new Map([['a', TEXT]]));
    expect(readFileSync(copy(SHA256), 'utf8')).toBe(TEXT);
  });

  it('of Calico is held to the lock file', async () => {
    const calico = 'https://raw.githubusercontent.com/projectcalico/calico/v3.31.0/manifests/calico.yaml';
    const path = copy(sha256(calico));
    mkdirSync(join(folder, 'artifacts/manifests'), { recursive: true });
    writeFileSync(path, TEXT);
    const offline = { download: false, calico: true };
    expect(await load([], { ...offline, update: true })).toEqual(new Map([['calico', TEXT]]));
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toEqual({ version: 1, sha256: { [calico]: SHA256 } });
    expect(await load([], offline)).toEqual(new Map([['calico', TEXT]]));
    writeFileSync(path, OTHER);
    await expect(load([], offline)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(calico) as string,
    });
  });

  it.each(['artifacts', 'artifacts/manifests'])('is neither read nor written through a link: %s', async (name) => {
    const target = mkdtempSync(join(tmpdir(), 'mcpk-target-'));
    mkdirSync(join(folder, name, '..'), { recursive: true });
    symlinkSync(target, join(folder, name));
    await expect(load(pinned())).rejects.toMatchObject({ message: expect.stringContaining('is a link') as string });
    rmSync(target, { recursive: true });
  });

  it('that is a link is refused', async () => {
    mkdirSync(join(folder, 'artifacts/manifests'), { recursive: true });
    symlinkSync('/etc/passwd', copy(SHA256));
    await expect(load(pinned())).rejects.toMatchObject({
      message: `${copy(SHA256)} is a link: nothing is read or written there`,
    });
  });

  it('that another inventory got by a sum of its own is not asked when this one names none', async () => {
    const evil = await startUpstream('http');
    evil.files.set('/x.yaml', Buffer.from(OTHER));
    await load([{ name: 'a', source: `${evil.url}/x.yaml`, sha256: sha256(OTHER) }]);
    await evil.close();
    expect(existsSync(copy(sha256(OTHER)))).toBe(true);
    expect(await load(loose())).toEqual(new Map([['a', TEXT]]));
    expect(readFileSync(lock, 'utf8')).not.toContain(sha256(OTHER));
  });

  it('of Calico is not what another manifest put under its name', async () => {
    const calico = 'https://raw.githubusercontent.com/projectcalico/calico/v3.31.0/manifests/calico.yaml';
    upstream.files.set('/x.yaml', Buffer.from(calico));
    await load(pinned(sha256(calico)));
    expect(existsSync(copy(sha256(calico)))).toBe(true);
    await expect(load([], { download: false, calico: true })).rejects.toMatchObject({
      message: expect.stringContaining('is not at hand') as string,
      hint: expect.stringContaining('Name a file as network.calico.manifest (docs/air-gapped.md)') as string,
    });
  });
});
