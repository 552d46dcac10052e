import { describe, expect, it } from 'vitest';
import type { HostFacts } from '../../src/cluster/facts.ts';
import type { FileResource, Resource } from '../../src/resources/types.ts';
import type { Problem } from '../../src/states/stage.ts';
import { bridgeConflist } from '../../src/states/bridge/conflist.ts';
import { haproxy } from '../../src/states/haproxy.ts';
import { system } from '../../src/states/system.ts';
import { contextOf, factsOf, labCluster } from './cluster.ts';

async function resources(stage: typeof system, over = '', name = 'm1'): Promise<Resource[]> {
  const cluster = await labCluster(over);
  return stage.states(contextOf(cluster, name, factsOf(cluster))) as Resource[];
}

async function problems(own: Partial<HostFacts>, over = ''): Promise<Problem[]> {
  const cluster = await labCluster(over);
  const facts = factsOf(cluster);
  const w1 = { ...facts.hosts.get('w1'), ...own } as HostFacts;
  return system.problems?.(cluster, { ...facts, hosts: new Map([...facts.hosts, ['w1', w1]]) }) ?? [];
}

const files = (all: readonly Resource[]): FileResource[] => all.filter((each) => each.kind === 'file');

describe('sysctls', () => {
  it.each([
    ['system', system],
    ['haproxy', haproxy],
  ])('of %s are read after whatever hardening lays down as 99-…', async (_name, stage) => {
    const paths = files(await resources(stage)).flatMap(({ path }) => (path.includes('sysctl.d') ? [path] : []));
    expect(paths).toHaveLength(1);
    for (const path of paths) expect(path > '/etc/sysctl.d/99-zzzz.conf').toBe(true);
  });

  it('of the inventory replace ours, however the key is written', async () => {
    const over =
      'kubelet: { config: { protectKernelDefaults: false } }\nsystem: { sysctls: { vm/overcommit_memory: 2 } }';
    const all = await resources(system, over);
    expect(all.filter((each) => each.kind === 'sysctl' && each.key.includes('overcommit'))).toEqual([
      { kind: 'sysctl', key: 'vm.overcommit_memory', value: '2' },
    ]);
  });

  it.each<[string, HostFacts['laterSysctls'], string[]]>([
    [
      'says something else',
      [{ file: '/etc/sysctl.d/zzz.conf', key: 'net/ipv4/ip_forward', value: '0' }],
      [
        '/etc/sysctl.d/zzz.conf sets net/ipv4/ip_forward to 0 and is read after /etc/sysctl.d/zz-mcpk.conf, which sets it to 1: at the next boot 0 counts',
      ],
    ],
    [
      'says so by the other name',
      [{ file: '/etc/sysctl.d/zzz.conf', key: 'net.ipv4.conf.all.forwarding', value: '0' }],
      [
        '/etc/sysctl.d/zzz.conf sets net.ipv4.conf.all.forwarding to 0 and is read after /etc/sysctl.d/zz-mcpk.conf, which sets it to 1: at the next boot 0 counts',
      ],
    ],
    [
      'says the same by the other name',
      [{ file: '/etc/sysctl.d/zzz.conf', key: 'net/ipv4/conf/all/forwarding', value: '1' }],
      [],
    ],
    ['says the same', [{ file: '/etc/sysctl.d/zzz.conf', key: 'net.ipv4.ip_forward', value: '1' }], []],
    ['sets others', [{ file: '/etc/sysctl.d/zzz.conf', key: 'net.core.somaxconn', value: '1' }], []],
  ])('are a warning where a later file %s', async (_name, laterSysctls, messages) => {
    const found = await problems({ laterSysctls });
    expect(found.map(({ message }) => message)).toEqual(messages);
    for (const problem of found) expect(problem).toMatchObject({ code: 'warning', host: 'w1' });
  });
});

describe('packages and the CNI configuration go by the mode of the kube-proxy of their host', () => {
  const PACKAGES = ['ipset', 'iptables', 'ipvsadm'];
  const own = (kubeProxy: string): string => `hosts: [{ name: w1, kubeProxy: ${kubeProxy} }]`;
  it.each<[string, string[], string | undefined]>([
    ['', [], 'nftables'],
    ['kubeProxy: { mode: ipvs }', PACKAGES, undefined],
    [own('{ config: { mode: ipvs } }'), PACKAGES, undefined],
    ['groups: { worker: { kubeProxy: { config: { mode: iptables } } } }', ['ipset', 'iptables'], undefined],
    [`kubeProxy: { mode: ipvs }\n${own('{ config: { mode: nftables } }')}`, [], 'nftables'],
    [own('{ config: { mode: null } }'), ['ipset', 'iptables'], undefined],
    [own('{ extraArgs: { config: null, proxy-mode: ipvs } }'), PACKAGES, undefined],
    [own('{ extraArgs: { config: null } }'), ['ipset', 'iptables'], undefined],
    [own('{ extraArgs: { config: /own.yaml } }'), [], 'nftables'],
  ])('%s', async (over, packages, backend) => {
    const cluster = await labCluster(over);
    const context = contextOf(cluster, 'w1', factsOf(cluster));
    const names = (system.states(context) as Resource[]).flatMap((each) => (each.kind === 'package' ? each.name : []));
    expect(names.filter((name) => PACKAGES.includes(name))).toEqual(packages);
    const conflist = JSON.parse(bridgeConflist(cluster, context.host, context.own, '10.244.3.0/24')) as {
      plugins: { backend?: string }[];
    };
    expect(conflist.plugins[1]?.backend).toBe(backend);
  });
});
