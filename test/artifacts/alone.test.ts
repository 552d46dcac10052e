import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { alone } from '../../src/artifacts/alone.ts';
import { parseSums } from '../../src/artifacts/checksums.ts';
import { SafeFolder } from '../../src/artifacts/safe-folder.ts';
import { eachUpstream, type Fresh } from './each-upstream.ts';
import { clusterWith, KUBERNETES, openWithPins } from './upstream.ts';

let fresh: Fresh;
eachUpstream((made) => (fresh = made));
afterEach(() => {
  vi.unstubAllEnvs();
});

const never = new AbortController().signal;

it('of two runs that fetch into one folder each gets all, and each file is fetched once', async () => {
  const { upstream, directory } = fresh;
  let asked = 0;
  upstream.hold = () => delay(10 * (asked++ % 7));
  const runs = [1, 2, 3].map(() => openWithPins(clusterWith(directory, upstream.url, true)));
  const all = await Promise.all(runs);
  expect(all.map((index) => index.get('kubelet', 'amd64').size)).toEqual([8000, 8000, 8000]);
  expect(new Set(upstream.requests).size).toBe(upstream.requests.length);
  const shelf = join(directory, 'kubernetes/1.37.1/linux-amd64');
  expect([...parseSums(readFileSync(join(shelf, 'SHA256SUMS'), 'utf8')).keys()].sort()).toEqual([...KUBERNETES].sort());
  expect(readdirSync(shelf).filter((name) => name.endsWith('.part'))).toEqual([]);
});

it('who waits says so, and is ended by a signal', async () => {
  const folder = new SafeFolder(mkdtempSync(join(tmpdir(), 'mcpk-alone-')));
  const said: string[] = [];
  const abort = new AbortController();
  const onWait = (message: string): void => {
    said.push(message);
    abort.abort(new Error('interrupted'));
  };
  await alone(folder, { signal: never, onWait }, async () => {
    const second = alone(folder, { signal: abort.signal, onWait }, () => Promise.reject(new Error('not its turn')));
    await expect(second).rejects.toThrow('interrupted');
  });
  expect(said).toEqual([`waiting for another mcpk that fetches into ${folder.path}`]);
  expect(await alone(folder, { signal: never, onWait }, () => Promise.resolve('free again'))).toBe('free again');
});

it.each([
  ['with flock', process.env['PATH'] ?? ''],
  ['without it', '/nowhere'],
])('a folder that is not there yet is made, on a machine %s', async (_what, path) => {
  vi.stubEnv('PATH', path);
  const folder = new SafeFolder(join(mkdtempSync(join(tmpdir(), 'mcpk-alone-')), 'new'));
  const work = (): Promise<boolean> => Promise.resolve(statSync(folder.path).isDirectory());
  expect(await alone(folder, { signal: never, onWait: () => undefined }, work)).toBe(true);
});
