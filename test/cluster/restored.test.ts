import { expect, it } from 'vitest';
import type { Answer } from '../../src/cluster/gate.ts';
import { restoredGate } from '../../src/cluster/restored.ts';
import { httpAnswer } from '../engine/support/fake-reader.ts';

const HOSTS = ['m1', 'm2'];
const KEYS = { totalKeys: 12, revision: 100 };

interface Member {
  cluster?: string;
  names?: string[];
  count?: string;
  silent?: true;
  leader?: string;
}

/** What the gate says where m2 answers so, and m1 as it should. */
function judged(m2: Member, keys: [typeof KEYS] | [] = [KEYS]): string | undefined {
  const answers = ([{}, m2] satisfies Member[]).flatMap(
    ({ cluster = '7', names = HOSTS, count = '12', leader = '1', silent }: Member, index) => {
      const header = { cluster_id: cluster, member_id: '1', revision: '1000000100' };
      const bodies = [{ header, version: '3.7.3', leader }, { header, members: names.map((name) => ({ ID: name, name })) }, { header, count }]; // prettier-ignore
      return bodies.map((body): Answer => {
        const said = silent ? { stdout: '', stderr: 'connection refused' } : httpAnswer(200, body);
        return { host: HOSTS[index] ?? '', exitCode: 0, stdout: '', stderr: '', ...said };
      });
    },
  );
  return restoredGate(HOSTS, keys[0]).check(answers);
}

it.each<[string, Member, RegExp]>([
  ['a member is silent', { silent: true }, /^m2: connection refused/],
  ['members are of two clusters', { cluster: '8' }, /^2 clusters: 7, 8/],
  ['one has a member more', { names: ['m1', 'm2', 'm3'] }, /^m2 names m1, m2, m3 as members/],
  ['there is no leader', { leader: '0' }, /^m2 knows no leader/],
  ['one lacks keys', { count: '11' }, /^m2 has 11 keys/],
])('a restored etcd is not there where %s', (_what, member, says) => {
  expect(judged(member)).toMatch(says);
});

it('is there where all are one cluster with as many keys as the snapshot, at its revision', () => {
  expect(judged({})).toBeUndefined();
  expect(judged({ count: '99' }, [])).toBeUndefined();
  expect(restoredGate(HOSTS, KEYS).asks.some(({ stdin = '' }) => stdin.includes('"revision":1000000100'))).toBe(true);
});

it.each([
  ['12', undefined],
  ['11', undefined],
  ['10', 'm2 has 10 keys'],
  ['13', 'm2 has 13 keys'],
])('of a cluster that was restored before, one key may be that which no member tells: %s', (count, says) => {
  const raised = { ...KEYS, revision: 1_000_000_100 };
  expect(judged({ count }, [raised])).toBe(says);
});
