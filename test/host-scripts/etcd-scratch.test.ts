import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { parseCount, prepareScratch, scratchCommand, scratchFolder } from '../../src/cluster/etcd-scratch.ts';
import { PATHS } from '../../src/core/paths.ts';
import { packageText } from '../../src/core/package-files.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mcpk-scratch-'));
  put('work/snapshot.db', 'snapshot');
  put('data/member/snap/db', 'old');
  put('log/0.wal', 'old');
  stub('systemctl', '');
  // Ends with its parent, as the one of a unit does.
  stub('etcd', 'while kill -0 $PPID 2>/dev/null; do sleep 0.1; done');
  stub(
    'etcdctl',
    `case "$*" in
    *'snapshot save'*) printf taken >snapshot.db ;;
    *'endpoint health'*) grep -q '^etcd --name' ${root}/calls ;;
    *--count-only*) printf '"Revision" : 31\\n"More" : false\\n"Count" : 10\\n' ;;
  esac`,
  );
  stub('etcdutl', `case $2 in restore) mkdir -p data/member ;; status) echo '{"revision":31}' ;; esac`);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function stub(name: string, script: string): void {
  put(`bin/${name}`, `#!/bin/sh\necho "${name} $*" >>${root}/calls\n${script}\n`);
  chmodSync(join(root, 'bin', name), 0o755);
}

function run(mode: string, ...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const script = packageText('src/cluster/etcd-scratch.sh').replace('PATH=', `PATH=${root}/bin:`);
  return spawnSync('sh', ['-c', script, 'sh', mode, join(root, 'work'), ...words], {
    encoding: 'utf8',
    timeout: 30_000,
  });
}

const calls = (): string => readFileSync(join(root, 'calls'), 'utf8');

describe('the folder of a rehearsal', () => {
  const prepare = (name: string): Promise<number | null> => {
    const { argv, stdin } = prepareScratch(join(root, 'state', `etcd-scratch-${name}`));
    const [command = '', ...words] = argv.map((word) => (word === PATHS.state ? join(root, 'state') : word));
    const env = { PATH: `${root}/bin:${String(process.env['PATH'])}` };
    const child = spawn(command, words, { env, stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.on('error', () => undefined).end(stdin);
    return new Promise((resolve) => child.once('close', resolve));
  };
  const folders = (): string[] => readdirSync(join(root, 'state'));
  const left = (name: string, secondsAgo: number): void => {
    put(`state/${name}/snapshot.db.part`, 'half');
    const then = Date.now() / 1000 - secondsAgo;
    for (const path of [`state/${name}/snapshot.db.part`, `state/${name}`]) utimesSync(join(root, path), then, then);
  };
  beforeEach(() => {
    mkdirSync(join(root, 'state'));
    stub('systemctl', 'exit 3');
  });

  it('is of one alone, of however many begin at once', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const ended = await Promise.all(names.map(prepare));
    expect(ended.toSorted()).toEqual([0, 5, 5, 5, 5, 5]);
    expect(folders()).toEqual([`etcd-scratch-${String(names[ended.indexOf(0)])}`]);
    expect(readFileSync(join(root, 'state', String(folders()[0]), 'run.sh'), 'utf8')).toContain('rehearse()');
  });

  it('is not taken from one whose etcd runs, or to which a snapshot is on its way', async () => {
    left('etcd-scratch-a', 60);
    expect(await prepare('b')).toBe(5);
    stub('systemctl', 'exit 0');
    left('etcd-scratch-a', 3600);
    expect(await prepare('b')).toBe(5);
    expect(folders()).toEqual(['etcd-scratch-a']);
  });

  it('is made in the place of what one left behind whose host was lost', async () => {
    left('etcd-scratch-a', 3600);
    left('etcd-scratch', 3600);
    expect(await prepare('b')).toBe(0);
    expect(folders()).toEqual(['etcd-scratch-b']);
  });

  it('is the only one that leaves with its unit', () => {
    const [mine, other] = ['a', 'b'].map((run) => scratchCommand('rehearse', scratchFolder(run)).join(' '));
    expect(mine).toContain('ExecStopPost=/bin/rm -rf /var/lib/mcpk/etcd-scratch-a ');
    expect(other).not.toContain('etcd-scratch-a');
  });
});

describe('a rehearsal', () => {
  it('restores the snapshot, starts a member on it, and counts', () => {
    const { status, stdout } = run('rehearse');
    expect([status, parseCount(stdout)]).toEqual([0, { revision: 31, keys: 10 }]);
    expect(calls()).toMatch(/etcd --name=rehearsal --data-dir=data /);
  });

  it('of what can not be restored ends with 4, and says why', () => {
    stub('etcdutl', 'echo "expected sha256" >&2; exit 1');
    expect(run('rehearse')).toMatchObject({ status: 4, stderr: 'expected sha256\n' });
  });

  it('where etcd does not start ends with 4, and says why', () => {
    stub('etcd', 'echo "panic: no" >&2; exit 1');
    stub('etcdctl', 'exit 1');
    expect(run('rehearse')).toMatchObject({ status: 4, stderr: 'panic: no\n' });
  });

  it('without room ends with 3 before it writes', () => {
    stub('df', 'printf "Avail\\n1000\\n"');
    expect(run('rehearse').status).toBe(3);
    expect(calls()).not.toMatch(/etcdutl/);
  });
});

describe('a copy of a member that is left', () => {
  it.each([
    ['with its log', ''],
    ['with its log elsewhere', 'log'],
  ])('%s, is opened by an etcd that is told to be alone; the member itself stays', (_what, wal) => {
    const { status, stdout } = run('copy', 'm1', join(root, 'data'), wal === '' ? '' : join(root, wal));
    expect(status).toBe(0);
    expect(stdout).toBe(`taken${'{"revision":31}'.padEnd(512)}`);
    expect(
      calls()
        .match(/^(systemctl|etcd) .*/gm)
        ?.map((line) => line.replaceAll(/ --(listen|advertise)\S+/g, '')),
    ).toEqual([
      'systemctl stop etcd.service',
      'systemctl start --no-block etcd.service',
      `etcd --name=m1 --data-dir=data --force-new-cluster${wal === '' ? '' : ' --wal-dir=log-of-member'}`,
    ]);
    expect(readFileSync(join(root, 'data/member/snap/db'), 'utf8')).toBe('old');
    expect(existsSync(join(root, 'work/log-of-member/0.wal'))).toBe(wal !== '');
  });

  it.each([
    ['fails', 'exit 1'],
    ['is ended', 'kill -TERM $PPID; sleep 0.1; exit 1'],
  ])('that %s leaves the member running', (_what, cp) => {
    stub('cp', cp);
    expect(run('copy', 'm1', join(root, 'data'), '').status).toBe(1);
    expect(calls().match(/^systemctl .*/gm)).toEqual([
      'systemctl stop etcd.service',
      'systemctl start --no-block etcd.service',
    ]);
  });
});
