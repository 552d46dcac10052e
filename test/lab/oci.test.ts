import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packImage } from '../../lab/oci.ts';

describe('packImage', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcpk-oci-'));
    await writeFile(join(folder, 'program'), '#!/bin/sh\n');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const pack = async (store: string, name = 'v1'): Promise<string> => {
    await packImage(store, {
      repository: 'coredns/coredns',
      tag: name,
      files: { program: join(folder, 'program') },
      links: { 'bin/sh': '/program' },
      entrypoint: ['/program'],
    });
    const tags = 'docker/registry/v2/repositories/coredns/coredns/_manifests/tags';
    return readFile(join(store, tags, name, 'current/link'), 'utf8');
  };

  it('gives the same input the same digest, whatever the hour and the folder', async () => {
    expect(await pack(join(folder, 'one'))).toBe(await pack(join(folder, 'two')));
  });

  it('tells the same content by two names apart, as a host else shows the one for the other', async () => {
    const store = join(folder, 'store');
    expect(await pack(store, 'v1')).not.toBe(await pack(store, 'v2'));
  });

  it('stores every blob under its own sha256', async () => {
    const store = join(folder, 'store');
    await pack(store);
    const blobs = join(store, 'docker/registry/v2/blobs/sha256');
    const entries = await readdir(blobs, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    expect(files).toHaveLength(3);
    for (const file of files) {
      const digest = createHash('sha256')
        .update(await readFile(join(file.parentPath, file.name)))
        .digest('hex');
      expect(file.parentPath.endsWith(join(digest.slice(0, 2), digest))).toBe(true);
    }
  });
});
