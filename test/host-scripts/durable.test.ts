import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { encodeConverge, type ConvergeStep } from '../../src/engine/wire/wire-converge.ts';
import type { Op } from '../../src/resources/types.ts';
import { ME, Scratch } from './support/scratch.ts';

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  mkdirSync(host.at('/etc/sub'), { recursive: true });
  host.put('/etc/mode', 'x', 0o600);
  host.put('/etc/gone', 'x');
});
afterEach(() => {
  host.remove();
});

const step = (ref: string, ...ops: Op[]): ConvergeStep => ({ ref, ops });
const write = (path: string): Op => ({ op: 'write', path, mode: '0644', content: `of ${path}`, ...ME });

/** Neighbours that are laid down together, and one by itself behind a command. */
const STEPS = [
  step('directory:/etc/new/deep', { op: 'mkdir', path: '/etc/new/deep', mode: '0755', ...ME }),
  step('file:/etc/a', write('/etc/a')),
  step('certificate:/etc/sub/b', write('/etc/sub/b'), write('/etc/new/deep/c')),
  step('link:/etc/l', { op: 'link', path: '/etc/l', target: 'a' }),
  step('file:/etc/mode', { op: 'access', path: '/etc/mode', mode: '0640', ...ME }),
  step('file:/etc/gone', { op: 'remove', path: '/etc/gone' }),
  step('command:x', { op: 'run', argv: ['true'] }),
  step('file:/etc/last', write('/etc/last')),
];

/** The calls by which things get their place and get onto the disk, in order: `sync /etc`, `rename /etc/a`, `say done …`. */
function trace(): string[] {
  const file = join(host.stubs, '.trace');
  const under = [
    'strace',
    '-f',
    '-y',
    '-s',
    '200',
    '-o',
    file,
    '-e',
    'trace=fsync,rename,renameat,renameat2,unlinkat,write',
  ];
  const owned = '{"version":1,"entries":[]}\n';
  const request = { run: 'R1', stage: 'etcd', caller: 'ana apply 0', notes: [], steps: STEPS, preconditions: [] };
  const body = encodeConverge({ ...request, ownedBefore: owned, ownedAfter: owned });
  expect(host.run('converge', body, { under }).exitCode).toBe(0);
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, synced] = new RegExp(`fsync\\(\\d+<${host.root}([^>]*)>\\) += 0`).exec(line) ?? [];
      const [, renamed] = /rename\w*\(.*"\.(\/[^"]*)"(?:, [A-Z_0-9]+)?\) += 0/.exec(line) ?? [];
      const [, removed] = /unlinkat\([^"]*"(?:\.(\/etc\/gone))", 0\) += 0/.exec(line) ?? [];
      const [, said] = /write\(\d+<[^>]*\/var\/lib\/mcpk\/journal>, "\d+ R1 (.*)\\n"/.exec(line) ?? [];
      if (synced !== undefined) return [`sync ${synced}`];
      if (renamed !== undefined) return [`rename ${renamed}`];
      if (removed !== undefined) return [`remove ${removed}`];
      return said === undefined ? [] : [`say ${decodeURIComponent(said)}`];
    });
}

const traceable = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
if (!traceable) process.stderr.write('skipped: what is on the disk when (no strace, or it may not trace)\n');

describe.skipIf(!traceable)('on the disk', () => {
  /** Each of these calls is there, after the one before it. */
  function inOrder(calls: readonly string[], wanted: readonly string[]): void {
    let last = -1;
    for (const call of wanted) {
      const at = calls.indexOf(call, last + 1);
      expect(at, `${call} after ${calls[last] ?? 'the start'} in\n${calls.join('\n')}`).toBeGreaterThan(last);
      last = at;
    }
  }

  it('is a file before it has its name, and its folder before the journal says that it is done', () => {
    const calls = trace();
    const done = (ref: string): string => `say done etcd ${ref}`;
    for (const [path, folder, ref] of [
      ['/etc/a', '/etc', 'file:/etc/a'],
      ['/etc/sub/b', '/etc/sub', 'certificate:/etc/sub/b'],
      ['/etc/new/deep/c', '/etc/new/deep', 'certificate:/etc/sub/b'],
      ['/etc/last', '/etc', 'file:/etc/last'],
    ] as const) {
      const temporary = `${folder}/.${path.slice(folder.length + 1)}.mcpk`;
      inOrder(calls, [`say stage etcd`, `sync ${temporary}`, `rename ${path}`, `sync ${folder}`, done(ref)]);
    }
    inOrder(calls, ['rename /etc/l', 'sync /etc', done('link:/etc/l')]);
    inOrder(calls, ['remove /etc/gone', 'sync /etc', done('file:/etc/gone')]);
    inOrder(calls, ['say begin etcd file:/etc/mode', 'sync /etc/mode', done('file:/etc/mode')]);
    for (const folder of ['/etc/new/deep', '/etc/new', '/etc'])
      inOrder(calls, ['say begin etcd directory:/etc/new/deep', `sync ${folder}`, done('directory:/etc/new/deep')]);
  });

  it('are the list of what is owned, the journal and the mark of the run before the first change', () => {
    const calls = trace();
    const state = '/var/lib/mcpk';
    const before = calls.slice(0, calls.indexOf('say begin etcd directory:/etc/new/deep'));
    inOrder(before, [`sync ${state}/owned.json.new`, `rename ${state}/owned.json`, `sync ${state}`]);
    expect(before).toEqual(expect.arrayContaining([`sync ${state}/unfinished`, `sync ${state}/journal`]));
  });

  it('is all of a stage before its end is said, in few calls', () => {
    const calls = trace();
    inOrder(calls, ['rename /etc/last', 'rename /var/lib/mcpk/owned.json', 'sync /var/lib/mcpk', 'say end etcd']);
    expect(calls.at(-1)).toBe('sync /var/lib/mcpk/journal');
    // Neighbours share a sync: the folder of three of them is asked for once.
    const group = calls.slice(calls.indexOf('rename /etc/a'), calls.indexOf('say done etcd file:/etc/a'));
    expect(group.filter((call) => call === 'sync /etc')).toHaveLength(1);
  });
});
