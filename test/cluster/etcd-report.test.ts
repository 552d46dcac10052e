import { describe, expect, it } from 'vitest';
import { etcdQuestions } from '../../src/cluster/etcd-report.ts';
import type { EtcdReport } from '../../src/cluster/facts.ts';
import type { Answer, Ask } from '../../src/cluster/gate.ts';
import { renderEtcd } from '../../src/report/etcd-text.ts';
import { PLAIN } from '../../src/report/theme.ts';
import { labCluster } from '../states/cluster.ts';

const cluster = await labCluster('etcd: { backup: { schedule: daily } }');
const ID = { m1: '10', m2: '20', m3: '30' };
type Name = keyof typeof ID;

const http = (status: number, body: unknown): string =>
  `HTTP/1.1 ${String(status)} X\r\n\r\n${typeof body === 'string' ? body : JSON.stringify(body)}`;

/** As etcd 3.7 answers through its gateway: 64-bit numbers are texts. */
const LIST = {
  members: (Object.keys(ID) as Name[]).map((name) => ({
    ID: ID[name],
    name,
    peerURLs: [`https://${name}:2380`],
    clientURLs: [`https://${name}:2379`],
  })),
};
const status = (name: Name, more: object = {}): object => ({
  header: { cluster_id: '99', member_id: ID[name], revision: '485261', raft_term: '7' },
  version: '3.7.3',
  dbSize: '2100000000',
  dbSizeInUse: '900000000',
  dbSizeQuota: '8589934592',
  storageVersion: '3.7.0',
  leader: '10',
  raftIndex: '1000',
  raftTerm: '7',
  ...more,
});

type Answers = Partial<Record<'members' | 'alarms' | 'status' | 'health' | 'backup', string>>;

/** `silent`: hosts that were not reached. */
function read(over: Partial<Record<Name, Answers>> = {}, silent: readonly Name[] = []): EtcdReport | undefined {
  const hosts = cluster.hosts.filter(({ name, roles }) => roles.includes('etcd') && !silent.includes(name as Name));
  const questions = etcdQuestions(cluster, hosts);
  const answer = (ask: Ask): Answer => {
    const name = ask.host as Name;
    const kind = kindOf(ask);
    const own: Answers = {
      members: http(200, LIST),
      alarms: http(200, { header: {} }),
      status: http(200, status(name)),
      health: http(200, 'ok'),
      backup: '1000000\nsuccess\ninactive\nactive\n0\n0\n',
      ...over[name],
    };
    return { host: name, exitCode: 0, stdout: own[kind] ?? '', stderr: '' };
  };
  return questions.read(questions.asks.map(answer));
}

function kindOf({ stdin = '', argv }: Ask): keyof Answers {
  if (stdin.includes('/member/list')) return 'members';
  if (stdin.includes('/alarm')) return 'alarms';
  if (stdin.includes('/maintenance/status')) return 'status';
  return argv[0] === 'sh' ? 'backup' : 'health';
}

describe('what etcd is like', () => {
  it('who leads, who is behind, what a database has free, how old a backup is', () => {
    const report = read({
      m2: {
        status: http(200, status('m2', { raftIndex: '990' })),
        backup:
          '1000000\nsuccess\ninactive\nactive\n990000\n0\n992800 2048 /var/backups/etcd/lab-20270114T030012Z.mcpk-etcd.tar\n',
      },
    });
    expect(report).toMatchObject({
      cluster: 'lab',
      clusterId: '99',
      leader: 'm1',
      quorum: true,
      revision: 485261,
      alarms: [],
    });
    expect(
      report?.members.map(({ name, host, role, healthy, raftLag }) => [name, host, role, healthy, raftLag]),
    ).toEqual([
      ['m1', 'm1', 'leader', true, 0],
      ['m2', 'm2', 'voter', true, 10],
      ['m3', 'm3', 'voter', true, 0],
    ]);
    expect(report?.members[1]).toMatchObject({
      databaseBytes: 2_100_000_000,
      inUseBytes: 900_000_000,
      version: '3.7.3',
      storageVersion: '3.7.0',
      backup: { name: 'lab-20270114T030012Z.mcpk-etcd.tar', bytes: 2048, ageSeconds: 7200 },
    });
    expect(report?.members[0]).not.toHaveProperty('backup');
    if (report)
      expect(renderEtcd(report, PLAIN)).toBe(
        `etcd of lab (99): m1 leads, revision 485261
member  role    version             size    in use  quota   lag  newest backup
m1      leader  3.7.3 (data 3.7.0)  2.1 GB  900 MB  8.6 GB  0    –
m2      voter   3.7.3 (data 3.7.0)  2.1 GB  900 MB  8.6 GB  10   2 h old, 2.0 kB
m3      voter   3.7.3 (data 3.7.0)  2.1 GB  900 MB  8.6 GB  0    –
`,
      );
  });

  it.each<[string, Partial<Record<Name, Answers>>, readonly Name[], boolean, Record<string, unknown>]>([
    ['a host that is not reached', {}, ['m3'], true, { name: 'm3', host: 'm3', healthy: false, role: 'voter' }],
    [
      'one that is not ready',
      { m3: { health: http(503, 'non_learner failed') } },
      [],
      true,
      { name: 'm3', healthy: false, problem: expect.stringContaining('503') },
    ],
    ['two that are away', {}, ['m1', 'm3'], false, { name: 'm1', healthy: false }],
    [
      'a learner',
      {
        m1: {
          members: http(200, {
            members: LIST.members.map((each) => (each.name === 'm3' ? { ...each, isLearner: true } : each)),
          }),
        },
      },
      [],
      true,
      { name: 'm3', role: 'learner' },
    ],
    [
      'one that never started',
      { m1: { members: http(200, { members: [...LIST.members, { ID: '40', peerURLs: ['https://10.0.0.9:2380'] }] }) } },
      [],
      true,
      { name: '', id: '40', role: 'unstarted', healthy: false },
    ],
  ])('%s', (_what, over, silent, quorum, wanted) => {
    const report = read(over, silent);
    expect(report?.quorum).toBe(quorum);
    expect(report?.members).toContainEqual(expect.objectContaining(wanted));
  });

  it('members stand in the order of the inventory, and those of no host last', () => {
    const stranger = { ID: '05', name: 'x9', peerURLs: ['https://10.0.0.9:2380'] };
    const report = read({ m1: { members: http(200, { members: [stranger, ...LIST.members.toReversed()] }) } });
    expect(report?.members.map(({ name }) => name)).toEqual(['m1', 'm2', 'm3', 'x9']);
  });

  it('alarms are named by their member, with what to do', () => {
    const report = read({ m1: { alarms: http(200, { alarms: [{ memberID: '20', alarm: 'NOSPACE' }] }) } });
    expect(report?.alarms).toEqual([{ member: 'm2', alarm: 'NOSPACE' }]);
    if (report) expect(renderEtcd(report, PLAIN)).toContain('NOSPACE on m2: it takes no writes until mcpk etcd defrag');
  });

  it('nothing where no member tells who the members are', () => {
    expect(read({ m1: { members: '' }, m2: { members: '' }, m3: { members: http(503, '') } })).toBeUndefined();
  });

  it.each([
    ['members', http(200, { members: 'x' })],
    ['status', http(200, '[[[')],
    ['status', http(200, { header: { cluster_id: 5 }, raftIndex: {} })],
    ['alarms', http(200, { alarms: 7 })],
  ] as const)('nonsense of one host in %s is no crash: %s', (kind, text) => {
    expect(() => read({ m1: { [kind]: text } })).not.toThrow(TypeError);
  });
});
