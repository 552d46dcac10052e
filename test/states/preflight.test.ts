import { describe, expect, it } from 'vitest';
import type { Facts, HostFacts } from '../../src/cluster/facts.ts';
import type { Problem } from '../../src/states/stage.ts';
import { preflight } from '../../src/states/preflight.ts';
import { factsOf, labCluster, registered } from './cluster.ts';

const NAMES = ['m1', 'm2', 'm3', 'w1', 'w2'];
const OURS = [{ ref: 'unit:haproxy.service', hash: '', stage: 'haproxy' }];

/** Healthy hosts that call themselves as the inventory does, with facts of single ones replaced. */
async function found(
  over: Record<string, Partial<HostFacts>> = {},
  inventory = '',
  more: Partial<Facts> = {},
): Promise<Problem[]> {
  const cluster = await labCluster(inventory);
  const facts = factsOf(cluster, more);
  const hosts = new Map([...facts.hosts].map(([name, own]) => [name, { ...own, hostname: name, ...over[name] }]));
  return preflight.problems?.(cluster, { ...facts, hosts }) ?? [];
}

async function problems(...given: Parameters<typeof found>): Promise<string[]> {
  return (await found(...given)).map((problem) => `${problem.host ?? '-'}: ${problem.message}`);
}

describe('preflight', () => {
  it('passes fresh hosts', async () => {
    expect(await problems()).toEqual([]);
  });

  it('passes hosts that serve', async () => {
    const own = { owned: OURS, ports: [22, 443, 2379, 2380, 6443, 10250], memoryBytes: 2 * 2 ** 30 };
    const all = Object.fromEntries(NAMES.map((name) => [name, { ...own, holdsVip: name === 'm2' }]));
    expect(await problems(all)).toEqual([]);
  });

  it.each<[string, Record<string, Partial<HostFacts>>, string]>([
    [
      'another family',
      { m1: { os: { id: 'rocky', version: '9', name: 'Rocky Linux 9', like: ['rhel'] }, packageManager: 'none' } },
      'm1: runs Rocky Linux 9',
    ],
    [
      'a container without an init',
      { w1: { systemd: 0 } },
      'w1: is not run by systemd, which mcpk starts all services with',
    ],
    ['an old systemd', { w1: { systemd: 245 } }, 'w1: has systemd 245; 247 or newer is needed'],
    ['another architecture', { w1: { arch: 's390x' } }, 'w1: has the architecture s390x'],
    ['cloned hosts', { m1: { machineId: 'x' }, m2: { machineId: 'x' } }, '-: m1, m2 have the same machine-id x'],
    ['the wrong machine', { m1: { hostname: 'db7' } }, 'm1: calls itself db7'],
    [
      'clocks apart',
      { m1: { clockSkewMs: -900 }, w2: { clockSkewMs: 1500 } },
      "w2: its clock is 2.4 s ahead of m1's; 2 s are allowed",
    ],
    ['a taken port', { m2: { ports: [6443] } }, 'm2: port 6443 is taken, and kube-apiserver needs it'],
    ['little memory', { m3: { memoryBytes: 2 ** 30 } }, 'm3: has 1.0 GiB of memory; 1.5 GiB are needed'],
    [
      'a full disk',
      { w1: { diskFreeBytes: 2 ** 30 } },
      'w1: has 1.0 GiB of disk space below /var/lib; 3.0 GiB are needed',
    ],
    [
      'a foreign install',
      { w1: { foreign: ['docker', 'kubeadm'] } },
      'w1: has docker, kubeadm, which mcpk did not install',
    ],
    [
      "another vendor's containerd",
      { w1: { rivals: ['containerd.io'] } },
      "w1: has the package containerd.io, beside which containerd and runc of the distribution can't be installed",
    ],
    [
      'a kernel without its modules',
      { w1: { missingModules: ['overlay', 'br_netfilter'] } },
      'w1: its running kernel 6.12.0 neither has nor can load overlay, br_netfilter',
    ],
    [
      'another time daemon',
      { m1: { rivals: ['ntpsec'] } },
      "m1: has the package ntpsec, beside which chrony can't be installed",
    ],
    [
      'a name server that no pod reaches',
      { w1: { files: { '/etc/resolv.conf': 'search x\nnameserver 127.0.0.53\n nameserver ::1\n' } } },
      'w1: its /etc/resolv.conf names only 127.0.0.53, ::1, where a pod finds no name server: CoreDNS would ask itself',
    ],
    [
      'a VIP that somebody else holds',
      { w2: { holdsVip: true } },
      'w2: has the VIP 10.77.0.100, which mcpk did not put there',
    ],
    [
      'an address that the host lacks',
      { m1: { interfaces: [{ name: 'eth0', addresses: [{ address: '10.77.0.99', prefix: 24 }], mtu: 1500 }] } },
      'm1: does not have its internalAddress 10.77.0.11; it has 10.77.0.99',
    ],
  ])('refuses %s', async (_name, over, message) => {
    expect(await problems(over)).toEqual([message]);
  });

  it('warns of a firewall that flushes the rules of others, too', async () => {
    const [warning, ...more] = await found({ w1: { flushesRules: true, owned: OURS } });
    expect(warning).toMatchObject({
      code: 'warning',
      host: 'w1',
      message: expect.stringContaining('flush ruleset') as unknown,
    });
    expect(more).toEqual([]);
  });

  const disk = (
    free: number,
    total: number,
    more: Partial<HostFacts['filesystems'][number]> = {},
  ): HostFacts['filesystems'][number] => ({
    path: '/var/lib',
    freeBytes: free * 2 ** 30,
    totalBytes: total * 2 ** 30,
    freeInodes: 100,
    inodes: 1000,
    ...more,
  });
  const KUBELET = { path: '/var/lib/kubelet' };
  it.each<[string, HostFacts['filesystems'], string, string | undefined]>([
    [
      'whose share is under both thresholds',
      [disk(9, 100)],
      '',
      'has 9.0 of 100.0 GiB free below /var/lib: the kubelet evicts pods below 10% (nodefs.available) and 15% (imagefs.available)',
    ],
    ['that passes both', [disk(15, 100)], '', undefined],
    [
      'for images alone',
      [disk(14.9, 100), disk(20, 100, KUBELET)],
      '',
      'has 14.9 of 100.0 GiB free below /var/lib: the kubelet evicts pods below 15% (imagefs.available)',
    ],
    [
      'for images in a root of its own',
      [disk(9, 100, { path: '/data' }), disk(50, 100, { path: '/' }), disk(20, 100)],
      'containerd: { config: { root: /data/containerd/ } }',
      'has 9.0 of 100.0 GiB free below /data: the kubelet evicts pods below 15% (imagefs.available)',
    ],
    [
      'beside which images have a root',
      [disk(12, 100), disk(50, 100, { path: '/' })],
      'containerd: { config: { root: /data2 } }',
      undefined,
    ],
    [
      'with few inodes',
      [disk(50, 100, { freeInodes: 49 })],
      '',
      'has 49 of 1000 inodes free below /var/lib: the kubelet evicts pods below 5% (nodefs.inodesFree) and 5% (imagefs.inodesFree)',
    ],
    ['that makes inodes as it needs them', [disk(50, 100, { freeInodes: 0, inodes: 0 })], '', undefined],
    [
      'by thresholds of the inventory',
      [disk(30, 100)],
      'kubelet: { config: { evictionHard: { nodefs.available: 40Gi, imagefs.available: null } } }',
      'has 30.0 of 100.0 GiB free below /var/lib: the kubelet evicts pods below 40Gi (nodefs.available)',
    ],
    [
      'by thresholds of a flag',
      [disk(30, 100)],
      'kubelet: { extraArgs: { eviction-hard: "memory.available<1Gi,imagefs.available<31%" } }',
      'has 30.0 of 100.0 GiB free below /var/lib: the kubelet evicts pods below 31% (imagefs.available)',
    ],
  ])('compares a disk with what the kubelet evicts at: one %s', async (_name, filesystems, over, message) => {
    const expected = message === undefined ? [] : [`w1: ${message}`];
    expect(await problems({ w1: { filesystems } }, over)).toEqual(expected);
    const stands = await found({ w1: { filesystems, owned: OURS } }, over);
    expect(stands.map(({ code }) => code)).toEqual(expected.map(() => 'warning'));
  });

  it.each<[string, string[]]>([
    ['{ config: { failSwapOn: false } }', []],
    ['{ extraArgs: { fail-swap-on: false } }', []],
    ['{ extraArgs: { fail-swap-on: "false" } }', []],
    [
      '{ config: { failSwapOn: false }, extraArgs: { fail-swap-on: true } }',
      ['w1: has swap, on which the kubelet does not start'],
    ],
  ])('goes by what the kubelet of a host with swap goes by: %s', async (kubelet, messages) => {
    const over = `system: { disableSwap: false }\nhosts: [{ name: w1, kubelet: ${kubelet} }]`;
    expect(await problems({ w1: { swap: true } }, over)).toEqual(messages);
  });

  it('passes a time daemon that is to stay', async () => {
    expect(await problems({ m1: { rivals: ['ntpsec'] } }, 'system: { timeSync: false }')).toEqual([]);
  });

  const LOCAL = { '/etc/resolv.conf': 'nameserver 127.0.0.1\n' };
  it.each<[string, Partial<HostFacts>, string]>([
    ['has a list behind resolved', { files: LOCAL, resolved: true }, ''],
    ['names another one too', { files: { '/etc/resolv.conf': 'nameserver 127.0.0.1\nnameserver 10.0.0.1\n' } }, ''],
    ['names none', { files: { '/etc/resolv.conf': '# nameserver 127.0.0.1\n' } }, ''],
    ['is not asked, as CoreDNS forwards elsewhere', { files: LOCAL }, 'addons: { coredns: { forward: [10.0.0.1] } }'],
    ['is not asked, as CoreDNS is not wanted', { files: LOCAL }, 'addons: { coredns: { enabled: false } }'],
    ['is not asked, as the kubelet reads another file', { files: LOCAL }, 'kubelet: { config: { resolvConf: /x } }'],
    ['is not asked, as a flag names another', { files: LOCAL }, 'kubelet: { extraArgs: { resolv-conf: /x } }'],
  ])('passes a resolv.conf that %s', async (_name, own, inventory) => {
    expect(await problems(Object.fromEntries(NAMES.map((name) => [name, own])), inventory)).toEqual([]);
  });

  it.each([
    ['endpoint: { address: 192.168.7.9 }', 'm1: no interface has a subnet with the VIP 192.168.7.9'],
    ['endpoint: { interface: bond0 }', 'm1: has no interface bond0'],
  ])('refuses %s', async (inventory, message) => {
    expect(await problems({}, inventory)).toContain(message);
  });

  it('refuses pods and services in the subnet of a host', async () => {
    const wide = { interfaces: [{ name: 'eth0', addresses: [{ address: '10.77.0.21', prefix: 8 }], mtu: 1500 }] };
    expect(await problems({ w1: wide })).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^w1: network\.podCidr .* overlaps its subnet 10\.77\.0\.21\/8 \(eth0\)$/),
      ]),
    );
  });

  const nic = (name: string, address: string, prefix: number): HostFacts['interfaces'][number] => ({
    name,
    addresses: [{ address, prefix }],
    mtu: 1500,
  });
  const OWN = nic('eth0', '10.77.0.21', 24);
  const RESOLVED = { '/run/systemd/resolve/resolv.conf': 'nameserver 10.254.0.53\n' };
  it.each<[string, Partial<HostFacts>, string[]]>([
    [
      'interface in them',
      { interfaces: [OWN, nic('eth1', '10.244.3.5', 24), nic('eth2', '10.254.0.7', 16)] },
      [
        'w1: network.podCidr 10.244.0.0/16 overlaps its subnet 10.244.3.5/24 (eth1)',
        'w1: network.serviceCidr 10.254.0.0/16 overlaps its subnet 10.254.0.7/16 (eth2)',
      ],
    ],
    [
      "interface of a pod network's own",
      { interfaces: [OWN, nic('cni0', '10.244.3.1', 24), nic('tunl0', '10.244.1.0', 32)] },
      [],
    ],
    [
      'route into a part of them',
      {
        routes: [
          { to: '10.244.8.0/24', dev: 'wg0' },
          { to: '10.254.0.0/16', dev: 'eth0' },
        ],
      },
      [
        'w1: network.podCidr 10.244.0.0/16 overlaps its route to 10.244.8.0/24 (wg0)',
        'w1: network.serviceCidr 10.254.0.0/16 overlaps its route to 10.254.0.0/16 (eth0)',
      ],
    ],
    ['route to more than all of them', { routes: [{ to: '10.0.0.0/8', dev: 'wg0' }] }, []],
    ['route of pods', { routes: [{ to: '10.244.8.5/32', dev: 'cali12345' }] }, []],
    [
      'name server in them',
      { files: { '/etc/resolv.conf': 'nameserver 10.254.0.53\n' } },
      ['w1: network.serviceCidr 10.254.0.0/16 overlaps its name server 10.254.0.53'],
    ],
    [
      'name server behind resolved',
      { resolved: true, files: { ...RESOLVED, '/etc/resolv.conf': 'nameserver 127.0.0.53\n' } },
      ['w1: network.serviceCidr 10.254.0.0/16 overlaps its name server 10.254.0.53'],
    ],
    ['name server in a file that nobody reads', { files: RESOLVED }, []],
  ])('looks at all that a host which is to join reaches: a %s', async (_name, own, messages) => {
    expect(await problems({ w1: own })).toEqual(messages);
    expect(await problems({ w1: { ...own, owned: OURS } })).toEqual([]);
  });

  it.each<[string, Record<string, Partial<HostFacts>>, string[]]>([
    ['a kubelet of the next minor version', {}, ['m1', 'm2', 'm3', 'w1', 'w2']],
    // The process decides, whatever its Node said last.
    [
      'an API server of it',
      { m1: { runs: { 'kube-apiserver': '1.37.1', kubelet: '1.36.4' } } },
      ['m1', 'm2', 'm3', 'w1', 'w2'],
    ],
    ['none', { w1: { runs: { kubelet: '1.36.4' } } }, ['m1', 'm2', 'm3', 'w2']],
  ])('refuses to take back a minor version: %s', async (_what, over, hosts) => {
    const nodes = registered(await labCluster(), 'v1.37.1');
    const messages = await problems(over, 'versions: { kubernetes: 1.36.4 }', { nodes });
    const wanted = hosts.map((host) => `${host}: Kubernetes 1.37.1 runs, 1.36.4 is older`);
    expect(messages.filter((message) => message.includes('runs'))).toEqual(wanted);
  });
});
