import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { download } from '../../lab/upstream.ts';
import { COMPONENT_FILES } from '../../lab/versions.ts';

describe('download', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcpk-upstream-'));
  });
  afterEach(async () => {
    vi.unstubAllGlobals();
    await rm(folder, { recursive: true, force: true });
  });

  const publish = (sumOf: (body: string) => string): void => {
    vi.stubGlobal('fetch', async (url: string) => {
      const body = `program ${url.replace(/\.sha256$/, '')}`;
      return new Response(url.endsWith('.sha256') ? sumOf(body) : body);
    });
  };

  it('keeps what has the published sha256', async () => {
    publish((body) => createHash('sha256').update(body).digest('hex'));
    expect(await download('kubernetes', '1.37.1', folder)).toBe(true);
    for (const name of COMPONENT_FILES.kubernetes) {
      expect(await readFile(join(folder, 'bin', name), 'utf8')).toContain(`/v1.37.1/bin/linux/`);
    }
  });

  it('refuses what has not, and names the file', async () => {
    publish(() => '0'.repeat(64));
    await expect(download('kubernetes', '1.37.1', folder)).rejects.toThrow(
      /kube-apiserver has sha256 .* publishes 0000/,
    );
  });

  it('says so when upstream cannot be reached, so that the lab builds by itself', async () => {
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('fetch failed')));
    expect(await download('etcd', '3.7.3', folder)).toBe(false);
  });
});
