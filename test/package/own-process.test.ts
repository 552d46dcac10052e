import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/commands/main.ts';
import { INVENTORY } from '../commands/support.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpk-process-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Each line names the one before twice. */
const laughs = Array.from({ length: 30 }, (_, at) => {
  const before = at === 0 ? 'a' : `a${String(at - 1)}`;
  return `  a${String(at)}: &a${String(at)} [*${before}, *${before}]\n`;
});

const BIN = new URL('../../bin/dev.js', import.meta.url).pathname;

describe('whoever read what it prints is gone', () => {
  it.each<['stdout' | 'stderr', readonly string[], number]>([
    ['stdout', ['--help'], 0],
    ['stdout', ['plan', '--help'], 0],
    ['stderr', ['plan', '--forse'], 64],
  ])('%s: %j ends as it would, with the same code', async (closed, words, code) => {
    const child = spawn(process.execPath, [BIN, ...words]);
    let said = '';
    for (const name of ['stdout', 'stderr'] as const)
      if (name === closed) child[name].destroy();
      else child[name].on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [status] = (await once(child, 'close')) as [number];
    expect([status, said]).toEqual([code, '']);
  });
});

it('an older Node is told to be one, and where there is another', () => {
  const older = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } })';
  const run = new URL('../../bin/run.js', import.meta.url).pathname;
  const words = ['--import', `data:text/javascript,${older}`, run, 'plan'];
  const said = spawnSync(process.execPath, words, { encoding: 'utf8' });
  expect(said.stderr).toMatch(
    /^✖ mcpk needs Node 22\.18 or newer; this is 20\.1\.0 \(.+\)\n {2}hint {2}.*https:\/\/nodejs\.org/,
  );
  expect(said.status).toBe(1);
});

describe('what cannot be', () => {
  it.each<[readonly string[], number]>([
    [['version'], 1],
    [['plan', '--help'], 1],
    [['plan', '--json', '-i', '/nowhere.yaml'], 10],
  ])('printed is said in one line: %j', (words, code) => {
    const full = openSync('/dev/full', 'w');
    const said = spawnSync(process.execPath, [BIN, ...words], { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    expect(said.stderr).toMatch(/^✖ the output cannot be written: .*ENOSPC.* \(exit 1\)\n$/);
    expect(said.status).toBe(code);
  });

  it('done without a working directory is said', () => {
    const gone = mkdtempSync(join(folder, 'gone-'));
    const script = 'rmdir "$PWD" && exec "$@"';
    const said = spawnSync('sh', ['-c', script, 'sh', process.execPath, BIN, 'validate'], {
      cwd: gone,
      encoding: 'utf8',
    });
    expect(said.stderr).toContain('the working directory is gone (exit 64)\n  hint  ');
    expect(said.status).toBe(64);
  });
});

describe('what lies on stdin', () => {
  const taking = Object.entries(COMMANDS).flatMap(([id, { args }]) => (Object.keys(args).length === 0 ? [] : [id]));
  it.each(taking)('is no word of %s, and is there for what runs next', (id) => {
    const said = spawnSync('sh', ['-c', '"$@" >&2; cat', 'sh', process.execPath, BIN, ...id.split(':')], {
      cwd: folder,
      encoding: 'utf8',
      input: 'left-on-stdin\n',
      timeout: 60_000,
    });
    expect(said.stdout).toBe('left-on-stdin\n');
    expect(said.stderr).not.toContain('left-on-stdin');
  });
});

describe('bad input to a process of its own', () => {
  it.each<[string, string, readonly string[], number]>([
    ['a device for an inventory', '', ['validate', '-i', '/dev/zero'], 10],
    [
      'laughs by the thousand million',
      `${INVENTORY}pillar:\n  a: &a [x]\n${laughs.join('')}`,
      ['validate', '-i', 'FILE'],
      10,
    ],
    ['a flag that is none', INVENTORY, ['plan', '-i', 'FILE', '--forse'], 64],
  ])('%s ends soon, in little memory', (_what, text, words, code) => {
    const file = join(folder, 'mcpk.yaml');
    writeFileSync(file, text);
    const argv = ['--max-old-space-size=256', BIN, ...words.map((word) => word.replace('FILE', file))];
    const said = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 60_000 });
    expect(said.stderr).toMatch(/\n {2}hint {2}/);
    expect([said.status, said.stdout]).toEqual([code, '']);
  });
});
