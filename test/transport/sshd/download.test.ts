import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { bundle } from '../../../scripts/bundle.ts';
import { McpkError } from '../../../src/core/errors.ts';
import { failure } from '../failure.ts';
import { impossible, realSshd } from './real-sshd.ts';

const { inRun, runs, session, sshd } = await realSshd();
const MOST = 64 * 1024 * 1024;

describe.skipIf(impossible !== undefined)('a real sshd: what a command prints, streamed', () => {
  test.each([0, 1, 1024 * 1024, 9 * 1024 * 1024 + 3])('%i bytes arrive as they are', async (size) => {
    sshd.inside('sh', '-c', `head -c ${String(size)} /dev/urandom >/run/bytes`);
    const [wanted] = sshd.inside('sha256sum', '/run/bytes').split(' ');
    const hash = createHash('sha256');
    let largest = 0;
    const answer = await (
      await session()
    ).download({
      argv: ['cat', '--', '/run/bytes'],
      most: MOST,
      onData(piece) {
        largest = Math.max(largest, piece.length);
        hash.update(piece);
      },
    });
    expect(answer).toEqual({ exitCode: 0, stderr: '', bytes: size });
    expect([hash.digest('hex'), largest <= 1024 * 1024]).toEqual([wanted, true]);
  });

  test('words arrive byte for byte, and a command that fails says how', async () => {
    const said: string[] = [];
    const answer = await (
      await session({ user: 'ops' })
    ).download({
      argv: ['sh', '-c', 'printf %s "$1"; echo no room >&2; exit 3', 'sh', "a'b\\n \nö\n"],
      most: MOST,
      onData: (piece) => void said.push(piece.toString('utf8')),
    });
    expect([said.join(''), answer.exitCode, answer.stderr]).toEqual(["a'b\\n \nö\n", 3, 'no room\n']);
  });

  test.each<[string, (end: () => void) => void]>([
    ['what takes it fails', () => { throw new McpkError('usage', 'full') }], // prettier-ignore
    ['the run is ended', (end) => end()],
  ])('when %s the command is ended, and may tidy up', async (_how, stop) => {
    const command =
      "trap 'rm -rf /run/scratch; exit' EXIT TERM; mkdir /run/scratch; while :; do head -c 1000000 /dev/zero; done";
    const off = new AbortController();
    const made = await session();
    const work = made.download(
      {
        argv: ['sh', '-c', command],
        most: MOST,
        onData: () => stop(() => off.abort(new McpkError('interrupted', 'enough'))),
      },
      off.signal,
    );
    expect(['usage', 'interrupted']).toContain((await failure(work)).code);
    await expect
      .poll(() => [runs('head -c 1000000'), sshd.inside('ls', '/run').includes('scratch')])
      .toEqual([false, false]);
    await expect.poll(() => inRun().length).toBe(1);
  });

  test('a command that prints nothing is ended too once nobody waits for it', async () => {
    const off = new AbortController();
    const made = await session();
    const work = failure(made.download({ argv: ['sleep', '4321'], most: MOST, onData: () => undefined }, off.signal));
    await expect.poll(() => runs('^sleep 4321')).toBe(true);
    off.abort(new McpkError('interrupted', 'enough'));
    expect((await work).code).toBe('interrupted');
    await expect.poll(() => [runs('^sleep 4321'), inRun().length]).toEqual([false, 1]);
  });

  test('however much comes, mcpk stays below 120 MB', { timeout: 300_000 }, async () => {
    // Bundled, as users have it: where Node strips types, that takes as much again.
    const folder = mkdtempSync(join(tmpdir(), 'mcpk-greedy-'));
    await bundle(folder, { input: 'test/transport/sshd/greedy-client.ts', name: 'client' });
    const words = [
      join(folder, 'client.cjs'),
      JSON.stringify(sshd.target()),
      'head',
      '-c',
      String(4 * MOST),
      '/dev/zero',
    ];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    rmSync(folder, { recursive: true });
    const { bytes, peak } = JSON.parse(stdout) as { bytes: number; peak: number };
    expect(bytes).toBe(4 * MOST);
    expect(peak).toBeLessThan(120);
  });

  test('a host sends no faster than it is taken', async () => {
    const made = await session();
    let pieces = 0;
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const work = made.download({ argv: ['head', '-c', String(MOST), '/dev/zero'], most: MOST, onData: () => (pieces++ === 0 ? held : undefined) }); // prettier-ignore
    await expect.poll(() => pieces).toBe(1);
    // A round trip later all that may be on its way has come.
    await made.exec([{ argv: ['true'] }]);
    const { bytesReceived } = made.traffic;
    letGo();
    expect((await work).bytes).toBe(MOST);
    expect(bytesReceived).toBeLessThan(6 * 1024 * 1024);
  });
});
