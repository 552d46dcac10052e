import { expect, it } from 'vitest';
import { namedMembers } from '../../src/cluster/etcd-file.ts';
import { etcdLog } from '../../src/cluster/etcd-folders.ts';
import type { Answer } from '../../src/cluster/gate.ts';
import { parseMembers } from '../../src/cluster/members.ts';
import { PATHS } from '../../src/core/paths.ts';
import { labCluster } from '../states/cluster.ts';

const said = (body: unknown): Answer => ({
  host: 'm1',
  exitCode: 0,
  stdout: `HTTP/1.1 200 OK\r\n\r\n${JSON.stringify(body)}`,
  stderr: '',
});

it('members are voters, learners, and some that never started', () => {
  const members = [
    { ID: '1', name: 'm1', peerURLs: ['https://m1:2380'], clientURLs: ['https://m1:2379'] },
    { ID: '2', name: 'm2', peerURLs: ['https://m2:2380'], clientURLs: ['https://m2:2379'], isLearner: true },
    { ID: '3', peerURLs: ['https://m3:2380'], isLearner: true },
  ];
  const status = said({ header: { member_id: '1' }, version: '3.7.3', storageVersion: '3.6.0' });
  expect(parseMembers(said({ members }), status)).toEqual([
    { name: 'm1', peerUrls: ['https://m1:2380'], version: '3.7.3', storage: '3.6.0' },
    { name: 'm2', peerUrls: ['https://m2:2380'], isLearner: true },
    { name: '', peerUrls: ['https://m3:2380'], isLearner: true, unstarted: true },
  ]);
});

it('a learner does not tell them', () => {
  const refusal = { code: 14, message: 'etcdserver: rpc not supported for learner' };
  expect(parseMembers(said(refusal), said({ header: { member_id: '2' } }))).toBeUndefined();
});

it.each<[string, string, string[]]>([
  ['names its peers: it is one itself', 'name: m1\ninitial-cluster: m2=https://m2:2380\n', ['m1', 'm2']],
  ['names itself too', 'name: m1\ninitial-cluster: m1=https://x:2380,m2=https://m2:2380\n', ['m1', 'm2']],
  ['does not say who it is', 'initial-cluster: m1=https://m1:2380\n', ['m1']],
  ['names nobody', 'name: m1\n', []],
])('the file of a member %s', (_name, text, expected) => {
  const files = { [PATHS.etcdConfig]: `initial-advertise-peer-urls: https://m1:2380\n${text}` };
  const named = namedMembers({ files });
  expect(named.map(({ name }) => name)).toEqual(expected);
  // Where it is itself, it knows best.
  if (expected.includes('m1')) expect(named[0]?.peerUrls).toEqual(['https://m1:2380']);
});

it.each([
  ['', '/var/lib/etcd/member/wal'],
  ['etcd: { dataDirectory: /data }', '/data/member/wal'],
  ['etcd: { config: { wal-dir: /fast } }', '/fast'],
  ['etcd: { extraArgs: { wal-dir: /fast } }', '/fast'],
  ['etcd: { extraArgs: { wal-dir: /slow }, config: { wal-dir: /fast } }', '/fast'],
])("a member's log is looked for where the inventory has it: %s", async (inventory, folder) => {
  expect(etcdLog(await labCluster(inventory))).toBe(folder);
});
