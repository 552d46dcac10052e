import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADD_MEMBER, MOVE_MEMBER, PROMOTE_MEMBER, REMOVE_MEMBER, WIPE_MEMBER } from '../../src/states/etcd/scripts.ts';

/** Lines as `etcdctl member list -w simple` prints them. */
const M1 = 'aa11, started, m1, https://10.77.0.11:2380, https://10.77.0.11:2379, false';
const M3 = 'cc33, started, m3, https://10.77.0.13:2380, https://10.77.0.13:2379, false';
const m2 = (learner: boolean): string =>
  `bb22, started, m2, https://10.77.0.12:2380, https://10.77.0.12:2379, ${String(learner)}`;

interface Etcd {
  /** What it lists, the first time, the second time …; the last one again and again. */
  lists: string[][];
  /** What it says to each change, in order, with how that ends; then all succeed. */
  says?: [string, number][];
}

/** Runs a script over an etcdctl that does as told; what changes it was asked for, and how it ended. */
async function run(script: string, values: string[], { lists, says = [] }: Etcd): Promise<unknown[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-member-'));
  const at = (name: string): string => join(folder, name);
  await Promise.all(
    lists.map((lines, index) => writeFile(at(`list${String(index)}`), lines.map((line) => `${line}\n`).join(''))),
  );
  await writeFile(at('says'), says.map(([text, code]) => `${String(code)} ${text}\n`).join(''));
  await writeFile(at('done'), '');
  const etcdctl = `cd "$FOLDER"
    case "$*" in *'member list'*)
      cat list0; next=$(ls list* | sed -n 2p); [ -z "$next" ] || mv "$next" list0; exit ;; esac
    echo "$*" >>done
    if [ -s says ]; then read -r code text <says; sed -i 1d says; echo "$text" >&2; exit "$code"; fi`;
  const said = spawnSync('sh', ['-c', script, 'sh', ...values, 'sh', '-c', etcdctl, 'etcdctl'], {
    env: { PATH: process.env['PATH'], FOLDER: folder },
    encoding: 'utf8',
  });
  const done = (await readFile(at('done'), 'utf8')).trim().split('\n').filter(Boolean);
  return [said.status, said.stderr.trim(), done];
}

const URL = 'https://10.77.0.12:2380';
const OTHERS = 'https://10.77.0.11:2380 https://10.77.0.13:2380';
const ADD = `member add m2 --peer-urls=${URL} --learner`;
const UNHEALTHY: [string, number] = ['etcdserver: unhealthy cluster', 1];

describe('a member that is added', () => {
  it.each<[string, Etcd, unknown[]]>([
    ['was none', { lists: [[M1, M3]] }, [0, '', [ADD]]],
    ['lived, and has lost its data', { lists: [[M1, m2(false), M3]] }, [0, '', ['member remove bb22', ADD]]],
    ['is a founder that never started', { lists: [[M1, `bb22, started, m2, ${URL}, , false`, M3]] }, [0, '', []]],
    ['was added by a run that was cut off', { lists: [[M1, `bb22, unstarted, , ${URL}, , true`, M3]] }, [0, '', []]],
    [
      'is taken once the others have heard each other for a while',
      { lists: [[M1, M3]], says: [UNHEALTHY, UNHEALTHY] },
      [0, '', [ADD, ADD, ADD]],
    ],
    [
      'is not taken',
      { lists: [[M1, M3]], says: [['etcdserver: too many learner members in cluster', 1]] },
      [1, 'etcdserver: too many learner members in cluster', [ADD]],
    ],
    [
      'would name others than there are',
      { lists: [[M1]] },
      [
        1,
        `the members of etcd are others than when this was planned: now at https://10.77.0.11:2380, then at ${OTHERS}`,
        [],
      ],
    ],
  ])('%s', async (_name, etcd, expected) => {
    expect(await run(ADD_MEMBER, ['m2', URL, OTHERS], etcd)).toEqual(expected);
  });
});

describe('a learner that gets its vote', () => {
  const PROMOTE = 'member promote bb22';
  it.each<[string, Etcd, unknown[]]>([
    ['has it already', { lists: [[M1, m2(false)]] }, [0, '', []]],
    [
      'is in sync',
      {
        lists: [
          [M1, m2(true)],
          [M1, m2(false)],
        ],
      },
      [0, '', [PROMOTE]],
    ],
    [
      'gets it, and etcd answers with an error',
      {
        lists: [
          [M1, m2(true)],
          [M1, m2(false)],
        ],
        says: [['etcdserver: request timed out', 1]],
      },
      [0, '', [PROMOTE]],
    ],
    [
      'is in sync after a while',
      {
        lists: [
          [M1, m2(true)],
          [M1, m2(true)],
          [M1, m2(false)],
        ],
        says: [['etcdserver: can only promote a learner member which is in sync with leader', 1]],
      },
      [0, '', [PROMOTE, PROMOTE]],
    ],
    ['is no member', { lists: [[M1, M3]] }, [1, "m2 is not in etcd's list of members", []]],
  ])('%s', async (_name, etcd, expected) => {
    expect(await run(PROMOTE_MEMBER, ['m2', URL], etcd)).toEqual(expected);
  });
});

describe('a member that leaves', () => {
  const REMOVE = 'member remove bb22';
  const unstarted = `dd44, unstarted, , ${URL}, , true`;
  it.each<[string, [string, string], Etcd, unknown[]]>([
    ['is out', ['m2', URL], { lists: [[M1, m2(false)], [M1]] }, [0, '', [REMOVE]]],
    ['was out', ['m2', URL], { lists: [[M1]] }, [0, '', []]],
    [
      'is out, and etcd answers with an error',
      ['m2', URL],
      { lists: [[M1, m2(false)], [M1]], says: [UNHEALTHY] },
      [0, '', [REMOVE]],
    ],
    ['has another at its address now', ['m2', URL], { lists: [[M1, unstarted]] }, [0, '', []]],
    [
      'never started',
      ['', URL],
      {
        lists: [
          [M1, m2(false), unstarted],
          [M1, m2(false)],
        ],
      },
      [0, '', ['member remove dd44']],
    ],
  ])('%s', async (_name, values, etcd, expected) => {
    expect(await run(REMOVE_MEMBER, values, etcd)).toEqual(expected);
  });
});

describe('a member that moves', () => {
  it.each<[string, string, Etcd, unknown[]]>([
    [
      'is told to etcd',
      'https://10.30.0.12:2380',
      { lists: [[M1, m2(false)]] },
      [0, '', ['member update bb22 --peer-urls=https://10.30.0.12:2380']],
    ],
    ['was told before', URL, { lists: [[M1, m2(false)]] }, [0, '', []]],
  ])('%s', async (_name, url, etcd, expected) => {
    expect(await run(MOVE_MEMBER, ['m2', url], etcd)).toEqual(expected);
  });
});

it("what a member had is removed, and what is somebody else's stays", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-member-'));
  const at = (name: string): string => join(folder, name);
  for (const name of ['data/member/snap', 'wal', 'bin']) await mkdir(at(name), { recursive: true });
  for (const name of ['data/note', 'wal/0-0.wal', 'wal/0.tmp', 'wal/note']) await writeFile(at(name), '');
  await writeFile(at('bin/systemctl'), `#!/bin/sh\necho "$*" >>${at('done')}\n`, { mode: 0o755 });
  const env = { PATH: `${at('bin')}:${String(process.env['PATH'])}` };
  const said = spawnSync('sh', ['-c', WIPE_MEMBER, 'sh', at('data'), at('wal')], { env, encoding: 'utf8' });
  expect([said.status, said.stderr]).toEqual([0, '']);
  expect(await readFile(at('done'), 'utf8')).toBe('cat etcd.service\ndisable --now etcd.service\n');
  const left = ['data/member', 'data/note', 'wal/0-0.wal', 'wal/0.tmp', 'wal/note'].filter((name) =>
    existsSync(at(name)),
  );
  expect(left).toEqual(['data/note', 'wal/note']);
});
