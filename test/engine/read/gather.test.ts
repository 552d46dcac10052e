import { describe, expect, it } from 'vitest';
import { PATHS } from '../../../src/core/paths.ts';
import type { Command, CommandResult, Fleet } from '../../../src/engine/hosts/fleet.ts';
import { gather } from '../../../src/engine/read/gather.ts';
import type { Facts } from '../../../src/cluster/facts.ts';
import type { SessionRecord } from '../../../src/transport/types.ts';
import { contactable } from '../../../src/inventory/types.ts';
import { labCluster } from '../../states/cluster.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

interface Master {
  /** Its etcd has data. */
  data?: boolean;
  /** Says which members there are. */
  lists?: string[];
  /** Its etcd reaches a quorum. */
  ready?: boolean;
  /** Its API server answers. */
  serves?: boolean;
  /** Has been part of a cluster. */
  settled?: boolean;
  /** What `ip` says. */
  network?: string;
}

const NOTHING: CommandResult = { exitCode: 1, stdout: '', stderr: 'Connection refused' };
const http = (body: unknown): string => {
  const text = JSON.stringify(body);
  return `HTTP/1.1 200 OK\r\nContent-Length: ${String(Buffer.byteLength(text))}\r\n\r\n${text}`;
};

function factsRecords({ data = false, settled = false, network = '' }: Master): SessionRecord[] {
  const texts = {
    './proc/meminfo': 'MemTotal: 4096 kB\n',
    ...(settled ? { [`.${PATHS.etcdConfig}`]: 'initial-cluster-state: existing\n' } : {}),
  };
  const bodies: Record<string, string> = {
    texts: Object.entries(texts)
      .map(([path, text]) => `==> ${path} <==\n${text}`)
      .join('\n'),
    facts: data ? 'etcd-data=1\n' : '',
    ports: [22, ...(data ? [6443] : [])].map((port) => `LISTEN 0 128 0.0.0.0:${String(port)} 0.0.0.0:*\n`).join(''),
    ...{ network, filesystems: '', clock: '0' },
  };
  return Object.entries(bodies).map(([kind, body]) => ({ kind, args: [], body: Buffer.from(body) }));
}

/** What a master's servers say to a request of HTTP, several of which may come in one. */
function answer({ lists, ready, serves }: Master, { argv, stdin = '' }: Command): CommandResult {
  const said = [...stdin.matchAll(/(?:GET|POST) (\S+) HTTP/g)].map(([, path = '']) => {
    if (path.startsWith('/api/v1/nodes?')) return serves ? http({ items: [] }) : undefined;
    if (path.endsWith('/endpointslices/kubernetes'))
      return serves ? http({ endpoints: [{ addresses: ['10.77.0.11'] }] }) : undefined;
    if (/\/(ippools|services\/[a-z-]+)$/.test(path)) return serves ? http({}) : undefined;
    if (path === '/readyz') return ready ? http('ok') : undefined;
    if (path === '/v3/cluster/member/list')
      return (
        lists && http({ members: lists.map((name, ID) => ({ ID: String(ID), name, peerURLs: [`https://${name}`] })) })
      );
    if (path === '/v3/maintenance/status') return lists && http({ header: { member_id: '0' }, version: '3.6.16' });
    throw new Error(`not expected: ${argv.join(' ')} ${stdin}`);
  });
  const stdout = said.filter((text) => text !== undefined).join('');
  return stdout === '' ? NOTHING : { exitCode: 0, stdout, stderr: '' };
}

interface Gathered {
  facts: Facts;
  /** `HOST PATH` of each turn in which something was asked. */
  turns: string[][];
}

async function gathered(masters: Record<string, Master>, inventory = ''): Promise<Gathered> {
  const cluster = await labCluster(inventory);
  const turns: string[][] = [];
  let turn: string[] | undefined;
  const note = (what: string): void => {
    if (!turn) {
      turns.push((turn = []));
      setImmediate(() => (turn = undefined));
    }
    turn.push(what);
  };
  const later = <T>(value: T): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(value), 1));
  const fleet: Partial<Fleet> = {
    sessions: new Map(contactable(cluster).map(({ name }) => [name, {}])) as unknown as Fleet['sessions'],
    unreachable: new Map(),
    request: (host, _op, _body, onRecord) => {
      note(`${host} facts`);
      for (const record of factsRecords(masters[host] ?? {})) onRecord(record);
      return later(0);
    },
    exec: (host, commands) => {
      for (const { stdin = '' } of commands)
        for (const [, path = ''] of stdin.matchAll(/(?:GET|POST) (\S+) HTTP/g)) note(`${host} ${path}`);
      return later(commands.map((command) => answer(masters[host] ?? {}, command)));
    },
  };
  return { facts: await gather(fakeFleet(fleet), cluster, new AbortController().signal), turns };
}

const ALL = ['m1', 'm2', 'm3'];
const SERVES: Master = { data: true, settled: true, lists: ALL, ready: true, serves: true };
const SILENT: Master = { data: true, settled: true };

describe('the facts', () => {
  it("take no master's own address for a VIP, where clients go straight to its API server", async () => {
    const m1 = { network: '2: eth0    inet 10.77.0.11/24 brd 10.77.0.255 scope global eth0\n' };
    const { facts } = await gathered({ m1 }, 'endpoint: { address: 10.77.0.11, port: 6443, external: true }');
    expect(facts.hosts.get('m1')).toMatchObject({
      holdsVip: false,
      interfaces: [{ name: 'eth0', addresses: [{ address: '10.77.0.11' }] }],
    });
  });

  it('of a cluster that serves are read in one round trip, with the members', async () => {
    const { facts, turns } = await gathered({ m1: SERVES, m2: SERVES, m3: SERVES });
    expect(turns).toHaveLength(1);
    expect(turns[0]).toContain('m1 /v3/cluster/member/list');
    expect(turns[0]?.filter((each) => !each.endsWith('facts') && !each.startsWith('m1'))).toEqual([]);
    expect(facts).toMatchObject({
      etcd: 'formed',
      apiHost: 'm1',
      apiServers: ['10.77.0.11'],
      members: [
        { name: 'm1', peerUrls: ['https://m1'], version: '3.6.16' },
        { name: 'm2', peerUrls: ['https://m2'] },
        { name: 'm3', peerUrls: ['https://m3'] },
      ],
    });
    expect(facts.members?.[1]).not.toHaveProperty('version');
  });

  it('of a host that leaves are read, and never of one that is gone', async () => {
    const over = 'hosts: [{ name: m3, state: absent }, { name: w2, state: gone }]';
    const { facts, turns } = await gathered({ m1: SERVES }, over);
    expect([...facts.hosts.keys()].toSorted()).toEqual(['m1', 'm2', 'm3', 'w1']);
    expect(turns).toHaveLength(1);
  });

  it('of bare hosts are read in one round trip', async () => {
    const { facts, turns } = await gathered({});
    expect(turns).toHaveLength(1);
    expect(facts.etcd).toBe('none');
    expect(facts).not.toHaveProperty('members');
  });

  it.each<[string, Record<string, Master>, Facts['etcd'], string[] | undefined]>([
    ['the first is blank, and the next one with data tells', { m1: {}, m2: SERVES, m3: SERVES }, 'formed', ALL],
    [
      'no API server answers, and one member reaches a quorum',
      { m1: SILENT, m2: { ...SERVES, serves: false }, m3: SERVES },
      'formed',
      ALL,
    ],
    [
      'one that was taken out by hand has data and ended',
      { m1: SILENT, m2: SERVES, m3: { ...SERVES, lists: ['m2', 'm3'] } },
      'formed',
      ALL,
    ],
    ['all have data, and nobody answers', { m1: SILENT, m2: SILENT, m3: SILENT }, 'down', undefined],
    ['two are blank, and the third answers no read', { m1: SILENT }, 'lost', undefined],
    [
      'two are blank, and the third still tells who was a member',
      { m3: { ...SERVES, ready: false, serves: false } },
      'lost',
      ALL,
    ],
    ['a founder waits for the others', { m1: { data: true } }, 'forming', undefined],
  ])('where %s: %s', async (_name, masters, phase, members) => {
    const { facts } = await gathered(masters);
    expect(facts.etcd).toBe(phase);
    expect(facts.members?.map((member) => member.name)).toEqual(members);
  });

  it('of members come from hosts that the inventory no longer has among them', async () => {
    const e1 = 'hosts: [{ name: e1, address: 10.77.0.31, roles: [etcd] }]';
    const { facts } = await gathered({ m1: SERVES, m2: SERVES, m3: SERVES }, e1);
    expect(facts.members?.map((member) => member.name)).toEqual(ALL);
  });
});
