import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify, isAlive, running, signal, startDetached, waitUntilGone } from '../../lab/processes.ts';

describe.skipIf(process.platform !== 'linux')('processes that outlive their command', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcpk-processes-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('are found again by their pid file and end when told to', async () => {
    const pidFile = join(folder, 'pid');
    const started = await startDetached(['sleep', '60'], { log: join(folder, 'log'), pidFile });
    expect(await running(pidFile)).toEqual(started);
    signal(started, 'SIGKILL');
    expect(await waitUntilGone(started, 2_000)).toBe(true);
    expect(await running(pidFile)).toBeUndefined();
  });

  it('are never taken for a later process with the same pid', async () => {
    const own = identify(process.pid);
    if (own === undefined) throw new Error('this process has no start time');
    const pidFile = join(folder, 'pid');
    await writeFile(pidFile, `${own.pid} ${Number(own.started) - 1}\n`);
    expect(isAlive(own)).toBe(true);
    expect(await running(pidFile)).toBeUndefined();
  });
});
