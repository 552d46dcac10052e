import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { startUpstream, type Upstream } from './upstream.ts';

export interface Fresh {
  upstream: Upstream;
  /** Empty. */
  folder: string;
  /** Of binaries, below the folder; nothing has made it yet. */
  directory: string;
}

/** Each test of a file has a release server and a folder of its own; `begin` makes of them what it needs besides. */
export function eachUpstream(begin: (fresh: Fresh) => void): void {
  let upstream: Upstream;
  let folder: string;
  beforeEach(async () => {
    upstream = await startUpstream();
    folder = mkdtempSync(join(tmpdir(), 'mcpk-upstream-'));
    begin({ upstream, folder, directory: join(folder, 'artifacts') });
  });
  afterEach(async () => {
    await upstream.close();
    rmSync(folder, { recursive: true });
  });
}
