import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ArtifactIndex } from '../../src/states/stage.ts';
import { eachUpstream } from './each-upstream.ts';
import { clusterWith, openWithPins, program, sha256, URLS, type Upstream } from './upstream.ts';

const KUBELET = 'kubernetes/1.37.1/linux-amd64/kubelet';

let upstream: Upstream;
let directory: string;
let inventory: string;
let lock: string;

eachUpstream((fresh) => {
  ({ upstream, directory } = fresh);
  inventory = join(fresh.folder, 'lab.yaml');
  lock = `${inventory}.lock`;
  writeFileSync(inventory, '');
});

const opening = (locked: boolean, pinned: Record<string, string> = {}): Promise<ArtifactIndex> =>
  openWithPins(clusterWith(directory, upstream.url, true, { files: [inventory], sha256: pinned }), { locked });
const kept = (): { sha256: Record<string, string> } => JSON.parse(readFileSync(lock, 'utf8')) as never;
function keep(change: (sums: Record<string, string>) => void): void {
  const text = kept();
  change(text.sha256);
  writeFileSync(lock, JSON.stringify(text));
}

describe('--locked', () => {
  it('asks nothing of upstream where there is no lock file, and writes none', async () => {
    await expect(opening(true)).rejects.toMatchObject({
      code: 'invalid',
      message: `kubernetes/1.37.1/linux-amd64/kube-apiserver is not locked: there is no ${lock} (--locked)`,
    });
    expect([upstream.requests, existsSync(lock)]).toEqual([[], false]);
  });

  it('fetches what is locked, and takes what lies there already', async () => {
    await opening(false);
    const before = readFileSync(lock, 'utf8');
    rmSync(directory, { recursive: true });
    for (const _ of ['fetched', 'there']) {
      const index = await opening(true);
      expect(index.get('kubelet', 'amd64').sha256).toBe(sha256(program('kubelet')));
    }
    expect(readFileSync(lock, 'utf8')).toBe(before);
  });

  it.each([true, false])('takes nothing that the lock file lacks: lies there %j', async (isThere) => {
    await opening(false);
    keep((sums) => delete sums[KUBELET]);
    if (!isThere) rmSync(directory, { recursive: true });
    upstream.requests.length = 0;
    await expect(opening(true)).rejects.toMatchObject({
      code: 'invalid',
      message: `${KUBELET} is not locked: ${lock} lacks it (--locked)`,
    });
    expect(upstream.requests).not.toContain(URLS.kubelet);
    expect(kept().sha256).not.toHaveProperty(KUBELET);
  });

  it('takes what the inventory pins', async () => {
    await opening(false);
    keep((sums) => delete sums[KUBELET]);
    const index = await opening(true, { [KUBELET]: sha256(program('kubelet')) });
    expect(index.get('kubelet', 'amd64').name).toBe('kubelet');
  });

  it('ends for another sum as it does without', async () => {
    await opening(false);
    keep((sums) => (sums[KUBELET] = '0'.repeat(64)));
    await expect(opening(true)).rejects.toMatchObject({ code: 'fetch' });
  });
});
