import { describe, expect, it } from 'vitest';
import type { HostFacts } from '../../src/cluster/facts.ts';
import type { Answer } from '../../src/cluster/gate.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { lanesOf } from '../../src/states/preflight/lanes.ts';
import { meshInquiry } from '../../src/states/preflight/mesh.ts';
import type { Inquiry } from '../../src/states/stage.ts';
import { factsOf, labCluster } from './cluster.ts';

const NAMES = ['m1', 'm2', 'm3', 'w1', 'w2'];
const BRIDGE = 'network: { plugin: bridge }';
const calico = (encapsulation: string): string =>
  `network: { plugin: calico, calico: { manifest: /x, encapsulation: ${encapsulation} } }`;

describe('what must get through', () => {
  const NODES = 'm1 m2 m3 w1 w2';
  const ALWAYS = {
    'tcp 2379 etcd': ['m1 m2 m3', 'm1 m2 m3'],
    'tcp 2380 etcd peers': ['m1 m2 m3', 'm1 m2 m3'],
    'tcp 6443 API server': [NODES, 'm1 m2 m3'],
    'tcp 443 HAProxy': [NODES, 'm1 m2 m3'],
    'tcp 10250 kubelet': ['m1 m2 m3', NODES],
    "ip 112 VRRP, Keepalived's": ['m1 m2 m3', 'm1 m2 m3'],
  };
  const { "ip 112 VRRP, Keepalived's": _vrrp, 'tcp 443 HAProxy': _haproxy, ...external } = ALWAYS;

  it.each<[string, string[], Record<string, string[]>]>([
    ['bridge: nothing of its own', [BRIDGE], ALWAYS],
    ['calico, VXLAN', [calico('vxlan')], { ...ALWAYS, "udp 4789 VXLAN, Calico's": [NODES, NODES] }],
    [
      'calico, IPIP: and BGP',
      [calico('ipip')],
      { ...ALWAYS, "ip 4 IPIP, Calico's": [NODES, NODES], "tcp 179 BGP, Calico's": [NODES, NODES] },
    ],
    ['calico, BGP', [calico('bgp')], { ...ALWAYS, "tcp 179 BGP, Calico's": [NODES, NODES] }],
    ['a load balancer of somebody else', [BRIDGE, 'endpoint: { external: true }'], external],
  ])('%s', async (_name, inventory, wanted) => {
    const lanes = lanesOf(await labCluster(...inventory));
    const groups = Map.groupBy(lanes, ({ kind, number, purpose }) => `${kind} ${String(number)} ${purpose}`);
    const ends = (side: 'from' | 'to', all: typeof lanes): string =>
      [...new Set(all.map((lane) => lane[side].name))].toSorted().join(' ');
    expect(Object.fromEntries([...groups].map(([name, all]) => [name, [ends('from', all), ends('to', all)]]))).toEqual(
      wanted,
    );
    expect(lanes.filter(({ from, to }) => from === to)).toEqual([]);
  });
});

interface Situation {
  /** Hosts on which mcpk owns nothing, of those that this run may change. */
  newcomers: string[];
  /** Hosts that did not answer, or that the limit leaves alone. */
  away?: string[];
  own?: Record<string, Partial<HostFacts>>;
  inventory?: string[];
}

async function inquiryOf(situation: Situation): Promise<{ cluster: Cluster; inquiry: Inquiry | undefined }> {
  const { newcomers, away = [], own = {}, inventory = [BRIDGE] } = situation;
  const cluster = await labCluster(...inventory);
  const facts = factsOf(cluster);
  const hosts = new Map(
    [...facts.hosts]
      .filter(([name]) => !away.includes(name))
      .map(([name, is]): [string, HostFacts] => [name, { ...is, ...own[name] }]),
  );
  return { cluster, inquiry: meshInquiry({ cluster, facts: { ...facts, hosts }, newcomers: new Set(newcomers) }) };
}

/** host → lines that it is given, addresses as their last numbers. */
async function linesOf(situation: Situation): Promise<Record<string, string[]>> {
  const { inquiry } = await inquiryOf(situation);
  return Object.fromEntries(
    (inquiry?.asks ?? []).map(({ host, stdin = '' }) => [
      host,
      stdin
        .replaceAll('10.77.0.', '.')
        .split('\n')
        .filter((line) => /^(serve|reach|holder)/.test(line)),
    ]),
  );
}

describe('who is asked what', () => {
  it('on a cluster that stands, nobody', async () => {
    expect(await linesOf({ newcomers: [] })).toEqual({});
  });

  it('on bare hosts each serves and reaches its peers, and masters look for the VIP', async () => {
    const lines = await linesOf({ newcomers: NAMES });
    expect(Object.keys(lines)).toEqual(NAMES);
    expect(lines['m2']).toEqual([
      'serve tcp 2379 .11 .13',
      'serve tcp 2380 .11 .13',
      'serve tcp 6443 .11 .13 .21 .22',
      'serve tcp 443 .11 .13 .21 .22',
      'serve tcp 10250 .11 .13',
      'serve ip 112 .11 .13',
      'reach tcp 2379 .11 .13',
      'reach tcp 2380 .11 .13',
      'reach tcp 6443 .11 .13',
      'reach tcp 443 .11 .13',
      'reach tcp 10250 .11 .13 .21 .22',
      'reach ip 112 .11 .13',
      'holder eth0 .100',
    ]);
    expect(lines['w1']).toEqual([
      'serve tcp 10250 .11 .12 .13',
      'reach tcp 6443 .11 .12 .13',
      'reach tcp 443 .11 .12 .13',
    ]);
  });

  it('for the sake of one that joins: only pairs with it, and no VIP that one of ours holds', async () => {
    expect(await linesOf({ newcomers: ['w2'], own: { m1: { holdsVip: true } } })).toEqual({
      ...Object.fromEntries(
        ['m1', 'm2', 'm3'].map((name) => [name, ['serve tcp 6443 .22', 'serve tcp 443 .22', 'reach tcp 10250 .22']]),
      ),
      w2: ['serve tcp 10250 .11 .12 .13', 'reach tcp 6443 .11 .12 .13', 'reach tcp 443 .11 .12 .13'],
    });
  });

  it.each(['vxlan', 'ipip'])(
    'of %s, which nodes take from nodes alone, only the way to one that joins',
    async (carried) => {
      const lines = await linesOf({ newcomers: ['w2'], own: { m1: { holdsVip: true } }, inventory: [calico(carried)] });
      const what = carried === 'vxlan' ? 'udp 4789' : 'ip 4';
      expect(lines['m1']).not.toContain(`serve ${what} .22`);
      expect(lines['m1']).toContain(`reach ${what} .22`);
      expect(lines['w2']).toContain(`serve ${what} .11 .12 .13 .21`);
      expect(lines['w2']?.filter((line) => line.startsWith(`reach ${what}`))).toEqual([]);
    },
  );

  it('without those that are not there', async () => {
    const lines = await linesOf({ newcomers: ['m1', 'm2', 'm3', 'w1'], away: ['w2'] });
    expect(Object.keys(lines)).toEqual(['m1', 'm2', 'm3', 'w1']);
    expect(JSON.stringify(lines)).not.toContain('.22');
  });

  it('one host alone has nobody to reach', async () => {
    const cluster = await labCluster(BRIDGE);
    const alone = {
      ...cluster,
      hosts: cluster.hosts.slice(0, 1),
      endpoint: { ...cluster.endpoint, address: '10.77.0.11' },
    };
    expect(meshInquiry({ cluster: alone, facts: factsOf(alone), newcomers: new Set(['m1']) })).toBeUndefined();
  });
});

async function problemsOf(said: Record<string, Partial<Answer>>): Promise<string[]> {
  const { inquiry } = await inquiryOf({ newcomers: NAMES });
  const answers = (inquiry?.asks ?? []).map(({ host }) => ({
    host,
    exitCode: 0,
    stdout: '',
    stderr: '',
    ...said[host],
  }));
  return (inquiry?.judge(answers) ?? []).map(({ message }) => message);
}

describe('what their answers mean', () => {
  it.each<[string, Record<string, Partial<Answer>>, string[]]>([
    ['silence: all is well', {}, []],
    [
      'a port that a firewall drops',
      { w1: { stdout: 'unreached tcp 6443 10.77.0.12 timed out\n' } },
      ['w1 does not reach m2:6443 (API server): timed out'],
    ],
    [
      'one place that several do not reach in one way, in one line',
      {
        m2: { stdout: 'unreached tcp 2380 10.77.0.11 timed out\nunreached ip 112 10.77.0.11 no answer\n' },
        m3: { stdout: 'unreached tcp 2380 10.77.0.11 timed out\nunreached tcp 2379 10.77.0.11 connection refused\n' },
      },
      [
        'm3 does not reach m1:2379 (etcd): connection refused',
        'm2, m3 do not reach m1:2380 (etcd peers): timed out',
        "m2 does not reach m1 by IP protocol 112 (VRRP, Keepalived's): no answer",
      ],
    ],
    [
      'a way back that is blocked: the one who was heard has reached',
      {
        m1: { stdout: 'unreached ip 112 10.77.0.12 no answer\n' },
        m2: { stdout: 'unreached ip 112 10.77.0.11 no answer\nheard ip 112 10.77.0.11\n' },
      },
      ["m2 does not reach m1 by IP protocol 112 (VRRP, Keepalived's): no answer"],
    ],
    [
      'a host that can not try is the one to look at, not those that miss it',
      {
        m1: { exitCode: 127, stderr: 'sh: perl: not found\n' },
        m2: { stdout: 'unreached tcp 2380 10.77.0.11 timed out\n' },
      },
      ["can't try which of its peers it reaches: sh: perl: not found"],
    ],
    [
      'a stranger at the VIP',
      { m1: { stdout: 'holder 02:00:0a:4d:00:01\n' }, m3: { stdout: 'holder 02:00:0a:4d:00:01\n' } },
      ['02:00:0a:4d:00:01 answers at the VIP 10.77.0.100, and no host of the inventory holds it (seen by m1, m3)'],
    ],
  ])('%s', async (_name, said, wanted) => {
    expect(await problemsOf(said)).toEqual(wanted);
  });

  it('the hint names both ends', async () => {
    const { inquiry } = await inquiryOf({ newcomers: NAMES });
    const answer = { host: 'w1', exitCode: 0, stdout: 'unreached tcp 6443 10.77.0.12 timed out\n', stderr: '' };
    const [problem] = inquiry?.judge([answer]) ?? [];
    expect(problem?.host).toBe('m2');
    expect(problem?.hint).toMatch(/TCP port 6443 from 10\.77\.0\.21 .* to 10\.77\.0\.12: in m2's firewall/);
  });
});
