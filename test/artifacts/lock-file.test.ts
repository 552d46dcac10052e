import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { openPins, type Pins } from '../../src/artifacts/pins.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { sha256 } from './upstream.ts';

let inventory: string;
beforeEach(() => {
  inventory = join(mkdtempSync(join(tmpdir(), 'mcpk-lock-')), 'lab.yaml');
  writeFileSync(inventory, '');
});

const kept = (): Record<string, string> =>
  (JSON.parse(readFileSync(`${inventory}.lock`, 'utf8')) as { sha256: Record<string, string> }).sha256;
const opened = (update = false): Promise<Pins> =>
  openPins({ artifacts: { sha256: {} }, files: [inventory] } as unknown as Cluster, { update });

/** Fetches one thing after another, each as a run of its own would; says when it is about to begin, and waits for a word. */
const WRITER = `
  import { openPins } from ${JSON.stringify(new URL('../../src/artifacts/pins.ts', import.meta.url).href)};
  const [inventory, who, many] = process.argv.slice(1);
  process.stdout.write('ready');
  await new Promise((go) => process.stdin.once('data', go));
  process.stdin.destroy();
  for (let at = 0; at < Number(many); at++) {
    const pins = await openPins({ artifacts: { sha256: {} }, files: [inventory] }, { update: false });
    pins.fetched(who + at, who, ${JSON.stringify(sha256('x'))});
    await pins.save();
  }
`;

it('two processes that write it at once lose no line of each other', async () => {
  const MANY = 15;
  const writers = ['amd64/', 'arm64/'].map((who) =>
    spawn(process.execPath, ['--input-type=module', '-e', WRITER, inventory, who, String(MANY)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  const ended = writers.map((writer) => once(writer, 'close'));
  await Promise.all(writers.map(({ stdout }) => once(stdout, 'data')));
  for (const { stdin } of writers) stdin.end('go');
  expect((await Promise.all(ended)).map(([code]) => code as number)).toEqual([0, 0]);
  expect(Object.keys(kept())).toHaveLength(2 * MANY);
});

it('keeps the lines that came while something was fetched', async () => {
  const [amd64, arm64] = [await opened(), await opened()];
  amd64.fetched('amd64/kubelet', 'it', sha256('one'));
  arm64.fetched('arm64/kubelet', 'it', sha256('two'));
  await amd64.save();
  await arm64.save();
  expect(kept()).toEqual({ 'amd64/kubelet': sha256('one'), 'arm64/kubelet': sha256('two') });
});

it('holds what was trusted for the first time to what another one trusted meanwhile', async () => {
  const [first, second] = [await opened(), await opened()];
  first.fetched('kubelet', 'it', sha256('one'));
  second.fetched('kubelet', 'it', sha256('two'));
  await first.save();
  await expect(second.save()).rejects.toMatchObject({
    code: 'fetch',
    message: 'kubelet: wrong checksum',
    details: [expect.stringContaining(`${sha256('one')} (${inventory}.lock)`), expect.stringContaining(sha256('two'))],
  });
  expect(kept()).toEqual({ kubelet: sha256('one') });
  const third = await opened(true);
  third.fetched('kubelet', 'it', sha256('two'));
  await third.save();
  expect(kept()).toEqual({ kubelet: sha256('two') });
});
