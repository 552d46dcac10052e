import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/cluster/gate.ts';
import { preflight } from '../../src/states/preflight.ts';
import type { Inquiry } from '../../src/states/stage.ts';
import { factsOf, labCluster } from './cluster.ts';

const NEW = ['m1', 'm2', 'w1', 'w2'];

/** What preflight asks beside the ways between hosts. */
async function inquiryOf(over: string[], newcomers = NEW, away: string[] = []): Promise<Inquiry | undefined> {
  const cluster = await labCluster(...over);
  const facts = factsOf(cluster);
  const hosts = new Map([...facts.hosts].filter(([name]) => !away.includes(name)));
  return preflight.inquire?.({ cluster, facts: { ...facts, hosts }, newcomers: new Set(newcomers) });
}

const endpoint = (address: string): string => `endpoint: { address: "${address}", external: true, port: 6443 }`;

async function asked(over: string[], ...more: string[][]): Promise<string[]> {
  const { asks = [] } = (await inquiryOf(over, ...more)) ?? {};
  return asks.flatMap(({ host, argv }) => (argv[0] === 'perl' ? [] : [[host, ...argv].join(' ')]));
}

describe('hosts that join are asked whether they find a load balancer that is not ours', () => {
  it.each<[string, string[], string[]]>([
    ['an address of IPv6', [endpoint('2001:db8::100')], ['w1 ip route get 2001:db8::100', 'w2 ip route get 2001:db8::100']], // prettier-ignore
    ['one of IPv4', [endpoint('10.9.9.9')], ['w1 ip route get 10.9.9.9', 'w2 ip route get 10.9.9.9']],
    ['a name', [endpoint('lb.example.org')], ['w1 getent ahosts lb.example.org', 'w2 getent ahosts lb.example.org']],
    [
      "masters too, where Calico's pods on them go there",
      [endpoint('10.9.9.9'), 'network: { plugin: calico, calico: { manifest: /x } }'],
      NEW.map((name) => `${name} ip route get 10.9.9.9`),
    ],
    ['not a master itself, which is tried by its port', [endpoint('10.77.0.11')], []],
    ['not our own VIP', [], []],
  ])('%s', async (_name, over, wanted) => {
    expect(await asked(over)).toEqual(wanted);
  });

  it('but none that stands, or does not answer', async () => {
    expect(await asked([endpoint('10.9.9.9')], ['w1', 'w2'], ['w2'])).toEqual(['w1 ip route get 10.9.9.9']);
    expect(await asked([endpoint('10.9.9.9')], [])).toEqual([]);
  });

  it.each([
    ['2001:db8::100', 'RTNETLINK answers: Network is unreachable\n', 'has no way to the endpoint 2001:db8::100: RTNETLINK answers: Network is unreachable'], // prettier-ignore
    ['lb.example.org', '', 'does not know the name of the endpoint, lb.example.org'],
  ])('%s that one does not find is a problem of that one', async (address, stderr, message) => {
    const inquiry = await inquiryOf([endpoint(address)]);
    const answers = inquiry?.asks.map(({ host, argv }): Answer => {
      const fails = host === 'w2' && argv[0] !== 'perl';
      return { host, stdout: '', stderr: fails ? stderr : '', exitCode: fails ? 2 : 0 };
    });
    expect(inquiry?.judge(answers ?? [])).toEqual([{ host: 'w2', message, hint: expect.stringMatching(/Nodes reach/) as string }]); // prettier-ignore
  });
});
