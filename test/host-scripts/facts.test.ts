import { mkdirSync, rmSync, symlinkSync } from 'node:fs';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { decodeFacts, encodeFacts } from '../../src/engine/wire/wire-facts.ts';
import { Scratch } from './support/scratch.ts';

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  host.put(
    '/etc/os-release',
    'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\nHOME_URL="https://x/?a=b"\n',
  );
  host.put('/proc/meminfo', 'MemTotal:        2048 kB\nMemFree: 1 kB\n');
  host.put('/proc/filesystems', 'nodev\toverlay\n');
  host.put('/proc/swaps', 'Filename Type Size Used Priority\n');
  host.put('/proc/sys/kernel/hostname', 'm1\n');
  host.put('/proc/sys/kernel/osrelease', '6.12.1\n');
  host.put('/proc/sys/kernel/arch', 'x86_64\n');
  host.put('/etc/machine-id', 'abc\n');
  host.put('/sys/devices/system/cpu/online', '0-1,4\n');
  host.put('/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so', '');
  mkdirSync(host.at('/run/systemd/system'), { recursive: true });
  mkdirSync(host.at('/sys/fs/cgroup/systemd/system.slice/systemd-resolved.service'), { recursive: true });
  mkdirSync(host.at('/var/lib/kubelet'), { recursive: true });
  host.put('/var/lib/etcd/member/wal/0000000000000000-0000000000000000.wal', '');
  host.stub(
    'ip',
    `case "$*" in *' route show') cat ./routes 2>/dev/null; exit ;; esac
cat <<'END'
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever
2: eth0    inet 10.77.0.11/24 brd 10.77.0.255 scope global eth0\\       valid_lft forever
2: eth0    inet 10.77.0.100/32 scope global eth0\\       valid_lft forever
3: wg0    inet 10.9.0.1/24 scope global wg0\\       valid_lft forever
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\\    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
2: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether aa:bb:cc:dd:ee:ff brd ff:ff:ff:ff:ff:ff
3: wg0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\\    link/none
END
cat ./routes 2>/dev/null`,
  );
  host.stub(
    'ss',
    `cat <<'END'
LISTEN 0      4096   127.0.0.1%lo:2379      0.0.0.0:*
LISTEN 0      128             [::]:22          [::]:*
LISTEN 0      128          0.0.0.0:22       0.0.0.0:*
LISTEN 0      511                *:6443            *:*
END`,
  );
  host.put('/etc/cni/net.d/10-calico.conflist', '{}');
  host.put('/etc/cni/net.d/a b', '{}');
  host.stub('date', 'echo 1700000001500000000');
  host.stub('kubeadm', '');
  for (const file of ['containerd.io.md5sums', 'containerd.io.list', 'ntpsec.md5sums', 'openntpd.list'])
    host.put(`/var/lib/dpkg/info/${file}`, '');
});
afterEach(() => {
  host.remove();
});

function facts(vip: string): ReturnType<typeof decodeFacts> {
  const { records, stderr } = host.run('probe', encodeFacts({ etcdLog: '/var/lib/etcd/member/wal' }));
  expect(stderr).toBe('');
  return decodeFacts(records, { host: 'm1', vip, sentAt: 1_700_000_000_000, receivedAt: 1_700_000_001_000 });
}

it('tells what a host is', () => {
  const seen = facts('10.77.0.100');
  expect(seen).toMatchObject({
    os: { id: 'debian', version: '13', name: 'Debian GNU/Linux 13 (trixie)', like: [] },
    arch: 'amd64',
    kernel: '6.12.1',
    hostname: 'm1',
    machineId: 'abc',
    interfaces: [
      { name: 'eth0', addresses: [{ address: '10.77.0.11', prefix: 24 }], mtu: 1450 },
      { name: 'wg0', addresses: [{ address: '10.9.0.1', prefix: 24 }], mtu: 1420 },
    ],
    routesPodGateway: false,
    holdsVip: true,
    memoryBytes: 2048 * 1024,
    cpus: 3,
    clockSkewMs: 500,
    swap: false,
    systemd: 257,
    resolved: true,
    ports: [22, 2379, 6443],
    owned: [],
    files: {},
    etcdData: true,
    cniFiles: ['10-calico.conflist', 'a b'],
  });
  // The machine that runs this test may have others.
  expect(seen.foreign).toContain('kubeadm');
  expect(seen.rivals).toEqual(['containerd.io', 'ntpsec']);
  expect(seen.filesystems.map(({ path }) => path)).toEqual(['/var/lib', '/var/lib/kubelet']);
  for (const { freeBytes, totalBytes, freeInodes, inodes } of seen.filesystems) {
    expect(totalBytes).toBeGreaterThan(freeBytes);
    expect(inodes).toBeGreaterThanOrEqual(freeInodes);
  }
  expect(seen.diskFreeBytes).toBeGreaterThan(0);
});

it('looks at the filesystem of a root of containerd, or above it until it is there', () => {
  mkdirSync(host.at('/data/images'), { recursive: true });
  const asked = { containerdRoot: '/data/images/containerd' };
  const { records, stderr } = host.run('probe', encodeFacts({ etcdLog: '/var/lib/etcd/member/wal', ...asked }));
  expect(stderr).toBe('');
  const { filesystems } = decodeFacts(records, { host: 'm1', ...asked, sentAt: 0, receivedAt: 0 });
  expect(filesystems.map(({ path }) => path)).toEqual(['/var/lib', '/var/lib/kubelet', '/', '/data', '/data/images']);
});

it.each([
  ['a default route', 'default via 10.77.0.1 dev eth0 proto static ', [true, true]],
  ['a link-local network', '169.254.0.0/16 dev eth0 scope link metric 1000 ', [true, false]],
  ['ours alone', '169.254.1.1 dev eth0 proto 77 scope link ', [false, false]],
  [
    'ours beside a default one',
    'default via 10.77.0.1 dev eth0 \n169.254.1.1 dev eth0 proto 77 scope link ',
    [true, true],
  ],
  ['one that leads nowhere', 'unreachable default metric 4278198272 ', [false, false]],
  ['none', '', [false, false]],
])('knows whether pods would reach their gateway, and hosts Services: %s', (_name, routes, [pods, services]) => {
  host.put('/routes', routes);
  expect(facts('')).toMatchObject({ routesPodGateway: pods, hasDefaultRoute: services });
});

it.each([
  ['while it was asked', '1700000000900000000', 0],
  ['before', '1699999999800000000', -200],
  ['after', '1700000001300000000', 300],
])('only a clock outside of the time that its answer took is another one: %s', (_name, clock, skew) => {
  host.stub('date', `echo ${clock}`);
  expect(facts('')).toMatchObject({ clockSkewMs: skew });
});

it('takes systemd for the init only where it runs the host, as its library lies in containers too', () => {
  rmSync(host.at('/run/systemd'), { recursive: true });
  expect(facts('')).toMatchObject({ systemd: 0 });
});

it('reads the sysctls that are set after ours at boot', () => {
  host.put('/etc/sysctl.d/99-stig.conf', 'net.ipv4.ip_forward = 0\n');
  host.put('/etc/sysctl.d/zz-mcpk.conf', 'vm.panic_on_oom = 0\n');
  host.put('/etc/sysctl.d/zz-a.conf', 'kernel.panic = 7\n');
  host.put('/etc/sysctl.d/zzz.conf', '# kernel.panic = 5\n\n -net.ipv4.ip_forward=0 \nkernel/panic = 0');
  host.put('/etc/sysctl.d/zzz.conf.bak', 'kernel.panic = 8\n');
  host.put('/usr/lib/sysctl.d/zzzz.conf', 'vm.x = 1 2\n');
  expect(facts('').laterSysctls).toEqual([
    { file: '/etc/sysctl.d/zzz.conf', key: 'net.ipv4.ip_forward', value: '0' },
    { file: '/etc/sysctl.d/zzz.conf', key: 'kernel/panic', value: '0' },
    { file: '/usr/lib/sysctl.d/zzzz.conf', key: 'vm.x', value: '1 2' },
  ]);
});

it('reads the routes of a host that is to join, but default ones and those of its own networks and of mcpk', () => {
  host.put(
    '/routes',
    [
      'default via 10.77.0.1 dev eth0 proto static ',
      '10.77.0.0/24 dev eth0 proto kernel scope link src 10.77.0.11 ',
      '10.244.1.0/24 via 10.77.0.12 dev eth0 proto 77 ',
      'unreachable 10.3.0.0/16 ',
      '10.1.0.0/16 via 10.77.0.254 dev eth0 proto static metric 100 ',
      '10.2.0.5 dev wg0 scope link ',
    ].join('\n'),
  );
  const found = [
    { to: '10.1.0.0/16', dev: 'eth0' },
    { to: '10.2.0.5/32', dev: 'wg0' },
  ];
  expect(facts('').routes).toEqual(found);
  host.put('/var/lib/mcpk/owned.json', JSON.stringify({ version: 1, entries: [] }));
  expect(facts('').routes).toEqual([]);
});

it.each([
  ['is enabled and flushes all', 'flush ruleset\ntable inet filter {}\n', true, true],
  ['is enabled and flushes its own', '# flush ruleset\nflush table inet filter\n', true, false],
  ['is not enabled', 'flush ruleset\n', false, false],
])('knows whether nftables.service takes the rules of others: it %s', (_name, text, enabled, flushes) => {
  host.put('/etc/nftables.conf', text);
  const wants = host.at('/etc/systemd/system/sysinit.target.wants');
  mkdirSync(wants, { recursive: true });
  if (enabled) symlinkSync('/usr/lib/systemd/system/nftables.service', `${wants}/nftables.service`);
  expect(facts('')).toMatchObject({ flushesRules: flushes, files: {} });
});

it.each([
  ['may load them', 'exit 0', []],
  ['has none of them any more', 'exit 1', ['br_netfilter', 'nf_conntrack']],
])('knows the modules that a kernel lacks: one that %s', (_name, modprobe, missing) => {
  host.stub('modprobe', modprobe);
  expect(facts('').missingModules).toEqual(missing);
  host.put('/proc/sys/net/bridge/bridge-nf-call-iptables', '1\n');
  host.put('/proc/sys/net/netfilter/nf_conntrack_max', '1\n');
  expect(facts('').missingModules).toEqual([]);
});

it('leaves the VIP with whoever has another one', () => {
  expect(facts('10.77.0.99')).toMatchObject({ holdsVip: false });
});

it('reads what mcpk owns and the files that decide states', () => {
  const entries = [{ ref: 'file:/a', hash: 'h', stage: 's' }];
  host.put('/var/lib/mcpk/owned.json', JSON.stringify({ version: 1, entries }));
  host.put('/etc/etcd/etcd.yaml', 'name: m1\n');
  expect(facts('')).toMatchObject({ owned: entries, files: { '/etc/etcd/etcd.yaml': 'name: m1\n' } });
});

it('tells who listens also where mcpk was before: whether masters roll one at a time rests on it', () => {
  host.put('/var/lib/mcpk/owned.json', '{"version":1,"entries":[]}');
  expect(facts('')).toMatchObject({ ports: [22, 2379, 6443] });
});

it('takes no answer without any listener from a host where mcpk was before', () => {
  host.put('/var/lib/mcpk/owned.json', '{"version":1,"entries":[{"ref":"file:/a","hash":"h","stage":"s"}]}');
  host.stub('ss', 'exit 1');
  expect(() => facts('')).toThrow('no listening port');
});

it.each([
  ['{"version":1,"entr', 'is damaged'],
  ['[]', 'is damaged'],
  ['{"version":1}', 'is damaged'],
  ['{"version":1,"entries":[{"ref":5}]}', 'is damaged'],
  ['\u0000\u0001', 'is damaged'],
  ['{"version":2,"entries":[]}', 'a newer mcpk wrote'],
])('refuses the owned.json %j, as nothing would be known to be ours', (text, message) => {
  host.put('/var/lib/mcpk/owned.json', text);
  expect(() => facts('')).toThrow(
    expect.objectContaining({ code: 'refused', host: 'm1', message: expect.stringContaining(message) as string }),
  );
});
