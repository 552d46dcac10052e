import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/cluster/gate.ts';
import type { EtcdMember, Facts, HostFacts } from '../../src/cluster/facts.ts';
import { PATHS } from '../../src/core/paths.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import type { Problem } from '../../src/states/stage.ts';
import { STAGES } from '../../src/states/index.ts';
import { factsOf, labCluster } from './cluster.ts';

const stage = STAGES.find((each) => each.name === 'etcd');
const url = (address: string): string => `https://${address}:2380`;
const LAB = { m1: '10.77.0.11', m2: '10.77.0.12', m3: '10.77.0.13' };

function members(of: Record<string, string>, version?: string): EtcdMember[] {
  return Object.entries(of).map(([name, address]) => ({
    name,
    peerUrls: [url(address)],
    ...(version === undefined ? {} : { version }),
  }));
}

/** An etcd.yaml as 0.1.0 left it. */
function yaml(named: Record<string, string>, more = 'data-dir: /var/lib/etcd\n'): string {
  const cluster = Object.entries(named).map(([name, address]) => `${name}=${url(address)}`);
  return `${more}initial-cluster: ${cluster.join(',')}\ninitial-cluster-state: new\ninitial-cluster-token: lab\n`;
}

interface Situation {
  /** Merged over the lab's inventory, or a whole one. */
  inventory?: string;
  phase?: Facts['etcd'];
  /** As etcd lists them; `unknown` = nobody tells. */
  listed?: EtcdMember[] | 'unknown';
  /** Hosts without data; by default none. */
  blank?: string[];
  /** What the etcd.yaml of hosts with data says. */
  file?: string;
}

async function situation(given: Situation): Promise<{ cluster: Cluster; facts: Facts }> {
  const { inventory = '', phase = 'formed', listed = members(LAB), blank = [], file = yaml(LAB) } = given;
  const cluster = await labCluster(inventory);
  const more = listed === 'unknown' ? {} : { members: listed };
  const facts = factsOf(cluster, { etcd: phase, ...more });
  const own = (name: string): Partial<HostFacts> =>
    blank.includes(name) || !name.startsWith('m') ? {} : { etcdData: true, files: { [PATHS.etcdConfig]: file } };
  const hosts = new Map([...facts.hosts].map(([name, host]) => [name, { ...host, ...own(name) }]));
  return { cluster, facts: { ...facts, hosts } };
}

async function problems(given: Situation): Promise<Problem[]> {
  const { cluster, facts } = await situation(given);
  return stage?.problems?.(cluster, facts) ?? [];
}

const texts = (found: readonly Problem[]): string[] => found.map(({ host, message }) => `${host ?? '-'}: ${message}`);

const M4 = 'hosts: [{ name: m4, address: 10.77.0.14, roles: [master] }]';
const WITHOUT_M3 = 'hosts: [{ name: m3, address: 10.77.0.13, roles: [worker] }]';
const ONE = { m1: LAB.m1 };
const MOVED =
  'hosts: [{ name: m1, internalAddress: 10.30.0.11 }, { name: m2, internalAddress: 10.30.0.12 }, { name: m3, internalAddress: 10.30.0.13 }]';

describe('the members of a formed cluster', () => {
  it.each<[string, Situation]>([
    ['are those of the inventory', {}],
    ['are those of the inventory, and one lost its data: it is replaced', { blank: ['m2'] }],
    [
      'are those of the inventory, and one lost its data and has another address',
      { inventory: 'hosts: [{ name: m2, internalAddress: 10.30.0.12 }]', blank: ['m2'] },
    ],
    [
      'are those of the inventory, one added by a run that was cut off',
      { listed: [...members({ m1: LAB.m1, m3: LAB.m3 }), { name: '', peerUrls: [url(LAB.m2)] }], blank: ['m2'] },
    ],
    [
      'are those of the inventory, but for one taken out by a run that was cut off',
      { listed: members({ m1: LAB.m1, m3: LAB.m3 }), blank: ['m2'] },
    ],
    ['are not known, and a file names those of the inventory', { listed: 'unknown' }],
    ['are not known, and no file names any', { listed: 'unknown', file: '' }],
    [
      'have the addresses that the inventory sets by hand',
      {
        inventory: 'etcd: { config: { initial-advertise-peer-urls: "https://10.9.9.9:2380" } }',
        listed: members({ m1: '10.9.9.9', m2: '10.9.9.9', m3: '10.9.9.9' }),
      },
    ],
    ['grow from one to three', { listed: members(ONE), file: yaml(ONE), blank: ['m2', 'm3'] }],
    ['grow while they are all down', { phase: 'down', listed: 'unknown', file: yaml(ONE), blank: ['m2', 'm3'] }],
    ['grow by one', { inventory: M4, blank: ['m4'] }],
    ['grow by two that were members once', { listed: members(ONE), blank: ['m2', 'm3'] }],
    ['shrink, as a host has no part in it any more', { inventory: WITHOUT_M3 }],
    ['shrink by a host that leaves', { inventory: 'hosts: [{ name: m3, state: absent }]' }],
    ['shrink by a host that is gone', { inventory: 'hosts: [{ name: m3, state: gone }]' }],
    [
      'have one exchanged for one of another name',
      { inventory: `${WITHOUT_M3.slice(0, -1)}, ${M4.slice('hosts: ['.length)}`, blank: ['m4'] },
    ],
    ['move to another network', { inventory: MOVED }],
    ['do not matter before there is one: none', { phase: 'none', listed: 'unknown', inventory: M4 }],
    ['do not matter before there is one: forming', { phase: 'forming', listed: 'unknown', inventory: M4 }],
  ])('%s', async (_name, given) => {
    expect(await problems(given)).toEqual([]);
  });

  it.each<[string, Situation, string[]]>([
    [
      'would grow by one that has data of its own',
      { listed: members({ m1: LAB.m1, m3: LAB.m3 }) },
      ['m2: has data of etcd in /var/lib/etcd, and is no member; the members are m1, m3'],
    ],
    [
      'have one more, of which the inventory has not heard',
      { listed: members({ ...LAB, old4: '10.77.0.14' }) },
      ['old4: is a member of etcd, and of no host of the inventory'],
    ],
    [
      'have one more that never started, of which the inventory has not heard',
      { listed: [...members(LAB), { name: '', peerUrls: ['https://10.77.0.19:2380'] }] },
      ['https://10.77.0.19:2380: is a member of etcd, and of no host of the inventory'],
    ],
    [
      'are known to nobody, and one lacks data',
      { listed: 'unknown', file: '', blank: ['m2'] },
      ['m2: has no data of etcd, and nobody tells whether it is a member: no member answers, no etcd.yaml names any'],
    ],
    [
      'would have one of another name',
      { listed: members({ m1: LAB.m1, m2: LAB.m2, old3: LAB.m3 }) },
      ['m3: its etcd member is called old3, not m3'],
    ],
    [
      'would move to another network while none of them is up',
      { inventory: MOVED, phase: 'down', listed: 'unknown' },
      ['m1', 'm2', 'm3'].map(
        (name) =>
          `${name}: its etcd member is at ${url(LAB[name as 'm1'])}, and by the inventory it would be at ${url(LAB[name as 'm1'].replace('77', '30'))}`,
      ),
    ],
    [
      'would have another data directory, which is empty',
      { inventory: 'etcd: { dataDirectory: /data/etcd }' },
      ['m1', 'm2', 'm3'].map(
        (name) =>
          `${name}: etcd has its data in /var/lib/etcd, and by the inventory it would look for it in /data/etcd`,
      ),
    ],
    [
      'would have another data directory, and seem to have lost all',
      {
        inventory: 'etcd: { dataDirectory: /data/etcd }',
        phase: 'lost',
        listed: 'unknown',
        file: yaml(LAB),
      },
      ['m1', 'm2', 'm3'].map(
        (name) =>
          `${name}: etcd has its data in /var/lib/etcd, and by the inventory it would look for it in /data/etcd`,
      ),
    ],
    [
      'would look for their log elsewhere',
      { inventory: 'etcd: { config: { wal-dir: /fast } }' },
      ['m1', 'm2', 'm3'].map(
        (name) =>
          `${name}: etcd has its write-ahead log in /var/lib/etcd, and by the inventory it would look for it in /fast`,
      ),
    ],
    [
      'have lost their quorum',
      { phase: 'lost', listed: 'unknown', blank: ['m2', 'm3'] },
      [
        'm2: etcd has lost its quorum: m2, m3 have no data in /var/lib/etcd; of 3 members 2 must have some, and only m1 has',
      ],
    ],
    [
      'have lost all that there was',
      { phase: 'lost', listed: 'unknown', blank: ['m1', 'm2', 'm3'] },
      [
        'm1: etcd has lost its quorum: m1, m2, m3 have no data in /var/lib/etcd; of 3 members 2 must have some, and none has',
      ],
    ],
  ])('%s: refused', async (_name, given, expected) => {
    const found = await problems(given);
    expect(texts(found)).toEqual(expected);
    for (const { code, hint } of found) expect({ code, hint }).toMatchObject({ code: 'refused', hint: /\S/ });
  });
});

describe('another version of etcd', () => {
  it.each<[string, string, string, string | undefined]>([
    ['of the same minor', '3.6.16', '3.6.12', undefined],
    ['that is the next minor', '3.6.11', '3.7.3', undefined],
    ['two minors on', '3.5.30', '3.7.3', 'etcd 3.5.30 runs, 3.7.3 is 2 minor versions newer'],
    ['a minor back', '3.7.3', '3.6.16', 'etcd 3.7.3 runs, 3.6.16 is older'],
    ['the next minor, from a patch that is too old', '3.6.5', '3.7.3', "etcd 3.6.5 can't be upgraded to 3.7.3"],
  ])('%s', async (_name, from, to, message) => {
    const inventory = `versions: { etcd: ${to} }`;
    const known = members({ m1: LAB.m1 }, from);
    const found = await problems({ inventory, listed: [...known, ...members({ m2: LAB.m2, m3: LAB.m3 })] });
    expect(found.map((each) => [each.host, each.message, each.code])).toEqual(
      message === undefined ? [] : [['m1', message, 'refused']],
    );
  });

  const status = (host: string, version: string): Answer => {
    const body = JSON.stringify({ header: { member_id: '1' }, version });
    return { host, exitCode: 0, stdout: `HTTP/1.0 200 OK\r\n\r\n${body}`, stderr: '' };
  };
  const silent = (host: string): Answer => ({ host, exitCode: 1, stdout: '', stderr: 'Connection refused' });
  const onDisk = (host: string, version: string): Answer => ({
    host,
    exitCode: 0,
    stdout: `etcd Version: ${version}\nGit SHA: abc\n`,
    stderr: '',
  });

  it('is asked of every member, and where one does not run of its executable', async () => {
    const { cluster, facts } = await situation({
      inventory: 'versions: { etcd: 3.7.3 }',
      listed: members(LAB, '3.6.16'),
    });
    const inquiry = stage?.inquire?.({ cluster, facts, newcomers: new Set() });
    const asked = inquiry?.asks.map(({ host, argv }) => `${host} ${argv[0] ?? ''}`);
    expect(asked).toEqual(['m1', 'm2', 'm3'].flatMap((host) => [`${host} timeout`, `${host} /usr/local/bin/etcd`]));
    const found = inquiry?.judge([
      ...[status('m1', '3.6.16'), onDisk('m1', '3.5.1')],
      ...[status('m2', '3.6.5'), onDisk('m2', '3.7.3')],
      ...[silent('m3'), onDisk('m3', '3.5.30')],
    ]);
    expect(found?.map(({ host, message, code }) => [host, message, code])).toEqual([
      ['m2', "etcd 3.6.5 can't be upgraded to 3.7.3", 'refused'],
      ['m3', 'etcd 3.5.30 runs, 3.7.3 is 2 minor versions newer', 'refused'],
    ]);
  });

  it('is asked of no member whose process was seen: what runs counts, not what lies there', async () => {
    const { cluster, facts } = await situation({
      inventory: 'versions: { etcd: 3.7.3 }',
      listed: members(LAB, '3.6.16'),
    });
    const runs = { m1: '3.6.16', m2: '3.6.5', m3: '3.6.16' };
    const hosts = new Map(
      [...facts.hosts].map(([name, own]) => {
        const etcd = (runs as Record<string, string>)[name];
        return [name, { ...own, runs: etcd === undefined ? {} : { etcd } }];
      }),
    );
    const seen = { ...facts, hosts };
    expect(stage?.inquire?.({ cluster, facts: seen, newcomers: new Set() })).toBeUndefined();
    const found = stage?.problems?.(cluster, seen) ?? [];
    expect(found.map(({ host, message, hint }) => [host, message, hint])).toEqual([
      [
        'm2',
        "etcd 3.6.5 can't be upgraded to 3.7.3",
        'upgrade to the newest 3.6 first: set versions.etcd: 3.6.11 or newer, apply, then 3.7.3',
      ],
    ]);
  });

  it.each<[string, Situation, boolean]>([
    ['runs what is wanted', { listed: members(LAB, '3.7.3') }, false],
    ['is down: nobody has said', { phase: 'down', listed: 'unknown' }, true],
    ['is not there yet', { phase: 'none', listed: 'unknown' }, false],
    ['is forming', { phase: 'forming', listed: 'unknown' }, false],
  ])('costs a question only when there is one: etcd %s', async (_name, given, asks) => {
    const { cluster, facts } = await situation(given);
    expect(stage?.inquire?.({ cluster, facts, newcomers: new Set() }) !== undefined).toBe(asks);
  });
});

describe('what stops a rollback too', () => {
  const broken = async (given: Situation): Promise<string[]> => {
    const { cluster, facts } = await situation(given);
    const found = STAGES.flatMap((each) => each.broken?.(cluster, facts) ?? []);
    expect(found.map(({ code }) => code)).toEqual(found.map(() => 'refused'));
    return texts(found);
  };
  const lost: Situation = { phase: 'lost', listed: 'unknown', blank: ['m2', 'm3'] };

  it.each<[string, Situation]>([
    ['by the inventory of that time', lost],
    ['by an inventory that wants other members', { ...lost, inventory: M4 }],
  ])('is a lost quorum, %s', async (_when, given) => {
    expect(await broken(given)).toEqual([expect.stringContaining('etcd has lost its quorum: m2, m3')]);
  });

  it('is a folder of which nobody knows whether it has data', async () => {
    const moved = { ...lost, inventory: 'etcd: { dataDirectory: /var/lib/other }', blank: [] };
    expect(await broken(moved)).toEqual(
      ['m1', 'm2', 'm3'].map(
        (host) => expect.stringContaining(`${host}: etcd has its data in /var/lib/etcd`) as string,
      ),
    );
  });

  it.each<[string, Situation]>([
    ['a cluster that runs', {}],
    ['members that are down', { phase: 'down', listed: 'unknown' }],
    ['what only the inventory wants otherwise', { inventory: M4 }],
  ])('is not %s', async (_what, given) => {
    expect(await broken(given)).toEqual([]);
  });
});
