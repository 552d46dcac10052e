import { createHash } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadManifests } from '../../src/artifacts/manifests.ts';
import type { Cluster } from '../../src/inventory/types.ts';

const TEXT = 'kind: List\n';
const SHA256 = createHash('sha256').update(TEXT).digest('hex');
const signal = new AbortController().signal;

let server: Server;
let requests = 0;
let folder = '';
let url = '';

beforeEach(async () => {
  requests = 0;
  folder = await mkdtemp(join(tmpdir(), 'mcpk-manifests-'));
  server = createServer((_, answer) => {
    requests += 1;
    answer.end(TEXT);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.yaml`;
});

afterEach(() => server.close());

function cluster(manifests: Cluster['addons']['manifests'], download = true): Cluster {
  const part = {
    addons: { manifests },
    network: { plugin: 'none', calico: {} },
    artifacts: { directory: folder, download },
  };
  return part as unknown as Cluster;
}

describe('loadManifests', () => {
  it('reads a file', async () => {
    const source = join(folder, 'a.yaml');
    await writeFile(source, TEXT);
    expect(await loadManifests(cluster([{ name: 'a', source }]), signal)).toEqual(new Map([['a', TEXT]]));
  });

  it('fetches a URL with a checksum once, and then needs no network', async () => {
    const pinned = [{ name: 'a', source: url, sha256: SHA256 }];
    await loadManifests(cluster(pinned), signal);
    expect(await loadManifests(cluster(pinned, false), signal)).toEqual(new Map([['a', TEXT]]));
    expect(requests).toBe(1);
  });

  it('keeps no copy of what may change', async () => {
    const loose = [{ name: 'a', source: url }];
    await loadManifests(cluster(loose), signal);
    await loadManifests(cluster(loose), signal);
    expect(requests).toBe(2);
  });

  it('refuses another content than the pinned one, and keeps nothing of it', async () => {
    const wrong = [{ name: 'a', source: url, sha256: '0'.repeat(64) }];
    await expect(loadManifests(cluster(wrong), signal)).rejects.toMatchObject({ code: 'invalid' });
    await expect(loadManifests(cluster(wrong), signal)).rejects.toThrow(SHA256);
    expect(requests).toBe(2);
  });

  it('says what to do when nothing may be downloaded', async () => {
    const pinned = [{ name: 'a', source: url, sha256: SHA256 }];
    await expect(loadManifests(cluster(pinned, false), signal)).rejects.toMatchObject({
      code: 'invalid',
      hint: expect.stringContaining(SHA256) as string,
    });
  });

  it('names a file that is missing', async () => {
    await expect(loadManifests(cluster([{ name: 'a', source: join(folder, 'no.yaml') }]), signal)).rejects.toThrow(
      /manifest a: .*no\.yaml/,
    );
  });
});
